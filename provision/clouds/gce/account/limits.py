"""What a plan needs against what the account has left: one row for each metric, and how much fits."""

from collections.abc import Iterator, Mapping, Sequence

from provision.cloud import Limit
from provision.clouds.gce.account.needs import FAMILY, SPOT, Demand, Hardware, Key
from provision.clouds.gce.account.survey import Amount, Survey
from provision.clouds.gce.place import Place
from provision.errors import Finding
from provision.names import ENDLESS
from provision.plan import Plan, PlannedMachine
from provision.quota import fitting
from provision.spec.models import NODES_MAX

PAGE = "https://console.cloud.google.com/iam-admin/quotas?project={project}"
"""Where limits stand and more is asked for."""


def demand(
    plan: Plan, place: Place, missing: Sequence[PlannedMachine], seen: Survey,
    vcpus: Mapping[str, int],
) -> Demand:  # fmt: skip
    """What is missing of the plan, on top of what is there and the cluster's own."""
    spot = seen.quotas.get((place.region, SPOT), Amount(0, 0))
    owned = {each.owned for each in seen.resources if each.cluster == plan.name}
    # Without a limit above zero, spot machines draw on the same pools as all others.
    return Demand(plan, place, Hardware(vcpus, spot.limit > 0), missing, owned)


def limits(wanted: Demand, quotas: Mapping[Key, Amount]) -> list[Limit]:
    """A row for each metric; what the account does not list is unknown, never assumed."""
    page = PAGE.format(project=wanted.place.project)
    rows = []
    for (where, metric), need in wanted.at(wanted.sizes).items():
        amount = quotas.get((where, metric))
        if amount is None:
            rows.append(Limit(metric, where, need, fix=page))
            continue
        most = _largest(wanted, (where, metric), max(0.0, amount.limit - amount.used))
        rows.append(Limit(metric, where, need, amount.limit, amount.used, most, page))
    return rows


def _largest(wanted: Demand, key: Key, left: float) -> int:
    """With how many nodes in all that much suffices, the last group shrunk or grown; 0 for none."""
    *others, last = wanted.plan.groups
    before = sum(len(group.machines) for group in others)

    def fit(size: int) -> bool:
        return wanted.at({**wanted.sizes, last.name: size})[key] <= left

    low, high = 0, NODES_MAX - before
    if fit(high):
        return ENDLESS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit(middle) else (low, middle)
    return before + low if low else 0


def shortages(plan: Plan, rows: Sequence[Limit]) -> Iterator[Finding]:
    """What does not fit: the numbers, the largest cluster that does, and where to ask for more."""
    most = fitting(plan, rows)
    for row in rows:
        if row.short:
            yield Finding(
                f"quota {row.metric} in {row.where}",
                f"limit {row.limit:g}, used {row.used:g}, needed {row.need:g}: {_words(plan, most)}",
                f"{_smaller(plan, most)}ask for more at {row.fix}",
            )


def untold(rows: Sequence[Limit]) -> str:
    """A sentence on families whose limit only the Cloud Quotas page shows, '' where there is none."""
    names = [row.metric for row in rows if row.metric.startswith(FAMILY) and row.need]
    if not names:
        return ""
    return f"the limit of {', '.join(names)} is not known here: see the Cloud Quotas page, {rows[0].fix}"


def _words(plan: Plan, sizes: Mapping[str, int] | None) -> str:
    if sizes is None:
        return "not even one node fits"
    total = sum(sizes.values())
    text = f"{total} node{'s' if total > 1 else ''} fit{'' if total > 1 else 's'}"
    last = plan.groups[-1].name
    return text if len(sizes) == 1 else f"{text} in all, {sizes[last]} of them in {last}"


def _smaller(plan: Plan, sizes: Mapping[str, int] | None) -> str:
    if sizes is None:
        return ""
    last = plan.groups[-1].name
    count = f"{sizes[last]}" if len(sizes) == 1 else f"{last}={sizes[last]}"
    return f"give --nodes {count} or --shrink-to-fit, or "
