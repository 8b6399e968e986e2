"""Request quotas per minute: by group of methods, project and, where regional, region.

Groups as documented (https://cloud.google.com/compute/docs/api/rate-limits): writes and the costly
reads count as queries, gets as reads, lists as lists, reading and waiting for operations apart. The
quota refills at the next full minute, for all at once.
"""

from collections import Counter
from collections.abc import Callable

from provision.emulator.gce import dials, errors
from provision.emulator.gce.urls import Method
from provision.emulator.gce.world import World

COSTLY_READS = frozenset(
    {"listManagedInstances", "listErrors", "listPerInstanceConfigs", "getGuestAttributes"}
)
METRICS = {
    "queries": "default_per_region",
    "reads": "read_requests_per_region",
    "lists": "list_requests_per_region",
    "operation_reads": "operation_read_requests_per_region",
    "waits": "heavy_weight_read_requests_per_region",
    "global_queries": "default",
    "global_reads": "read_requests",
}
"""Google's names of the quota groups, by our dials'."""


def group(method: Method, regional: bool) -> str:
    """The dial that limits requests of that method."""
    name = method.name
    if method.resource.endswith("Operations"):
        return {"get": "operation_reads", "wait": "waits", "list": "lists"}.get(name, "queries")
    if not regional:
        return "global_reads" if method.verb == "GET" else "global_queries"
    if name in COSTLY_READS or method.verb not in ("GET",):
        return "queries"
    return "lists" if "ist" in name and name.lower().endswith("list") else "reads"


class Rates:
    """Counts the present minute."""

    def __init__(self, world: World, limits: Callable[[], dials.Rates]) -> None:
        self._world, self._limits = world, limits
        self._minute = 0
        self._used: Counter[tuple[str, str, str]] = Counter()

    def spend(self, method: Method, project: str, region: str) -> None:
        """Count one request. Raises ApiError 403 ``rateLimitExceeded`` where there were too many."""
        minute = int(self._world.agenda.now() // 60)
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
        name = group(method, bool(region))
        limit = getattr(self._limits(), name)
        if limit is None:
            return
        key = (name, project, region)
        if self._used[key] >= limit:
            raise errors.rate_limited(METRICS[name], limit, project, region)
        self._used[key] += 1
