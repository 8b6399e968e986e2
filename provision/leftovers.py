"""What a cloud's census is made of: one thing that carries our label, and how it is removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from provision import labels
from provision.errors import CloudFailure


def _unremovable(_seconds: float) -> None:
    raise CloudFailure("nothing here knows how to remove it", "run 'provision down'")


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that carries our label. ``region`` is '' where it is of none or the cloud tells none.

    ``created`` and ``expires`` are seconds since the epoch, None where nobody says; ``owner`` is who
    made it, '' where the cloud does not tell. ``machine_types`` are what it runs or would run.
    ``remove`` removes it, waits until it is gone (at most so many seconds) and raises CloudFailure or
    RuntimeFailure; gone already is success.
    """

    kind: str
    name: str
    cluster: str
    region: str = ""
    created: float | None = None
    owner: str = ""
    expires: float | None = None
    machine_types: tuple[str, ...] = ()
    remove: Callable[[float], None] = field(default=_unremovable, repr=False, compare=False)

    @classmethod
    def marked(
        cls,
        kind: str,
        name: str,
        marks: Mapping[str, str],
        remove: Callable[[float], None],
        region: str = "",
        created: float | None = None,
        machine_types: tuple[str, ...] = (),
    ) -> Self:
        """One whose labels say whose it is and when it may go."""
        return cls(
            kind,
            name,
            marks.get(labels.CLUSTER, ""),
            region,
            created,
            expires=labels.expiry(marks),
            machine_types=machine_types,
            remove=remove,
        )

    def as_dict(self) -> dict[str, str]:
        """What tells it from others, as plain data."""
        return {"kind": self.kind, "name": self.name, "cluster": self.cluster}
