"""What a cloud does not give until somebody grants it: permissions, an API, quota, capacity, addresses.

ServiceFailure
├── Denied         a permission is missing
├── ApiDisabled    the project does not use the service yet
├── NoBilling      nobody pays for the project
├── OverQuota      a quota's limit
├── StockOut       a zone has no such machines left
└── NoAddresses    the subnetwork is full
"""

from provision.failures import OfResource, ServiceFailure, one_line


class Denied(OfResource):
    """A ``permission`` is missing on ``resource``; both are '' where the cloud does not say."""

    step_form = "ask the {account}'s owner for a role with it ({role}), or use another account"

    @property
    def permission(self) -> str:
        """As in roles: ``compute.networks.create``."""
        return self.fact("permission")

    def _problem(self) -> str:
        why = f"the permission {self.permission} is missing on {self.resource}"
        words = why if self.permission else one_line(self.said.words)
        return f"{self.service.name} did not let you {self.doing} ({words})"


class ApiDisabled(ServiceFailure):
    """The project does not use the service yet."""

    @property
    def api(self) -> str:
        """Its name as a service."""
        return self.fact("api")

    def _problem(self) -> str:
        form = "{name} could not {doing} (the {account} has not enabled {api})"
        return self._formed(form, api=self.api)


class NoBilling(ServiceFailure):
    """The project has no billing account that is open."""

    problem_form = "{name} could not {doing} (the {account} has no open billing account)"
    step_form = "link one at {billing_page}"


class OverQuota(ServiceFailure):
    """More of ``metric`` than its ``limit`` in ``region``."""

    step_form = "ask for fewer nodes, or for a higher quota at {quota_page}"

    @property
    def metric(self) -> str:
        """``N2_CPUS``; '' where the cloud does not say."""
        return self.fact("metric")

    @property
    def limit(self) -> float | None:
        """In the metric's own unit; None where the cloud does not say."""
        limit = self.fact("limit")
        return float(limit) if limit else None

    @property
    def region(self) -> str:
        """'' for all that is billed together."""
        return self.fact("region")

    @property
    def family(self) -> str:
        """The machine family, for a metric with a limit for each."""
        return self.fact("family")

    def _problem(self) -> str:
        if not self.metric or self.limit is None:
            return self._formed("{name} could not {doing} for want of quota ({words})")
        what = f"{self.metric} for {self.family}" if self.family else self.metric
        place = f"in {self.region}" if self.region else f"in all the {self.service.account}"
        more = f"it takes more {what} than the quota of {self.limit:g} {place}"
        return self._formed("{name} could not {doing} ({more})", more=more)


class StockOut(ServiceFailure):
    """A zone has no such machines left at present."""

    @property
    def zone(self) -> str:
        """Its name; '' where the cloud does not say."""
        return self.fact("zone")

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Zones that the cloud says have some."""
        return tuple(self.fact("elsewhere").split())

    def _problem(self) -> str:
        where = f"zone {self.zone}" if self.zone else "the zone"
        form = "{name} could not {doing} ({where} has no such machines left at present)"
        return self._formed(form, where=where)

    def _next(self) -> str:
        zones = f" ({', '.join(self.elsewhere)} have some)" if self.elsewhere else ""
        return f"allow other zones{zones} or another machine type, or try again later"


class NoAddresses(ServiceFailure):
    """The subnetwork has no address left."""

    step_form = "choose a larger cloud.subnet in the spec"
