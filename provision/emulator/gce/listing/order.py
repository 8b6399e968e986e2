"""``orderBy``: by name, or by the time of creation, as the API allows."""

from dataclasses import dataclass

from provision.emulator.gce import errors
from provision.emulator.gce.world import Json


@dataclass(frozen=True, slots=True)
class Order:
    """By which field, and whether the largest comes first."""

    field: str
    descending: bool = False

    def rank(self, row: Json) -> str:
        """What rows are compared by."""
        return str(row.get(self.field, ""))


_KNOWN = {
    "name": None,
    "name asc": None,
    "name desc": Order("name", descending=True),
    "creationTimestamp": Order("creationTimestamp"),
    "creationTimestamp asc": Order("creationTimestamp"),
    "creationTimestamp desc": Order("creationTimestamp", descending=True),
}


def key(text: str) -> Order | None:
    """The order that is asked for; None for the lists' own, by name. Raises ApiError."""
    clean = " ".join(text.split())
    if clean not in _KNOWN:
        raise errors.invalid("orderBy", text[:200], "Order by name or by 'creationTimestamp desc'.")
    return _KNOWN[clean]
