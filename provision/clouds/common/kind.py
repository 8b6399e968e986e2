"""What all kinds of a cloud's resources have in common: insert, adopt by label, change, delete, list."""

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from provision.errors import CloudFailure, Finding, RefusedError
from provision.failures import NotFound, Taken
from provision.labels import CLUSTER, KEYS, RUN
from provision.leftovers import Leftover
from provision.provider.resource import Created, Inputs, Outputs, Resource, Work
from provision.refusals import StockOut


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource of a list, with our labels on it; ``created`` is in seconds since the epoch."""

    ident: str
    marks: Mapping[str, str]
    region: str = ""
    created: float | None = None
    machine_types: tuple[str, ...] = ()


class Kind(Resource):
    """One kind; ``noun`` is what people call it.

    Inputs of every kind: ``name``, and ``marks``, our labels: they tell whose it is. ``ident`` is the
    path by which the cloud knows a resource, its name at the end.
    """

    noun: ClassVar[str]

    @abstractmethod
    def ident(self, inputs: Inputs) -> str:
        """Of what these inputs ask for, whether it is there or not."""

    @abstractmethod
    def insert(self, inputs: Inputs, work: Work) -> None:
        """Ask for it, to the end of the operation. Raises Taken where the name is in use."""

    @abstractmethod
    def get(self, ident: str) -> Any | None:
        """What the cloud shows of it, None where it is gone."""

    @abstractmethod
    def erase(self, ident: str, work: Work) -> None:
        """Delete it, to the end of the operation. Raises NotFound where it is gone already."""

    @abstractmethod
    def listed(self, *, everywhere: bool = False) -> Iterator[Listed]:
        """All of this kind that carry a cluster's name, by page: of one region, or of all."""

    @abstractmethod
    def seen(self, found: Any) -> dict[str, Any]:
        """The inputs that stand in a resource as the cloud shows it, without place and name."""

    @abstractmethod
    def marks(self, found: Any) -> dict[str, str]:
        """Our labels on it."""

    @abstractmethod
    def made_at(self, found: Any) -> str:
        """When it was made, as the cloud writes it."""

    def change(self, ident: str, old: Outputs, new: Inputs, work: Work) -> None:
        """Make what is there be as asked; only for inputs that do not replace."""
        raise CloudFailure(f"{self.noun} {new['name']} cannot be changed", "run 'provision down'")

    def create(self, inputs: Inputs, work: Work) -> Created:
        """Insert it, or adopt one of that name that is the same cluster's."""
        return self.inserted(self.ident(inputs), inputs, work, lambda: self.insert(inputs, work))

    def inserted(
        self, ident: str, inputs: Inputs, work: Work, insert: Callable[[], None]
    ) -> Created:
        """Made at this ident by ``insert``, or adopted there."""
        try:
            insert()
        except Taken as taken:
            return self.adopt(ident, inputs, work, taken)
        return self.created(ident, inputs)

    def created(self, ident: str, inputs: Inputs) -> Created:
        """What is there now; kinds with outputs beyond their inputs look."""
        return Created(ident, dict(inputs))

    def adopt(self, ident: str, inputs: Inputs, work: Work, taken: CloudFailure) -> Created:
        """Take over what has the name already; somebody else's is never touched."""
        found = self.get(ident)
        if found is None:
            raise taken  # of a moment ago: it is on its way out
        if self.marks(found).get(CLUSTER) != inputs["marks"][CLUSTER]:
            raise CloudFailure(
                f"the {self.noun} {inputs['name']} exists already and is not of this cluster",
                "give the cluster another --name, or remove what has the name",
            ) from taken
        if not self.ours(found, inputs):
            raise self._of_another_run(found, inputs) from taken
        there = self.seen(found)
        other = sorted(key for key in there if there[key] != inputs.get(key, there[key]))
        if fixed := [key for key in other if key in self.replace_on]:
            raise CloudFailure(
                f"the {self.noun} {inputs['name']} exists with another {fixed[0]}",
                f"run 'provision down {inputs['marks'][CLUSTER]}' first",
            ) from taken
        if other:
            self.change(ident, {**inputs, **there}, inputs, work)
        return self.created(ident, inputs)

    def find(self, inputs: Inputs) -> str | None:
        """The ident of what :meth:`create` would adopt."""
        ident = self.ident(inputs)
        found = self.get(ident)
        return ident if found is not None and self.ours(found, inputs) else None

    def ours(self, found: Any, inputs: Inputs) -> bool:
        """Whether it is this cluster's, made with the same keys: else a run elsewhere has the name."""
        there, wanted = self.marks(found), inputs["marks"]
        other = KEYS in there and KEYS in wanted and there[KEYS] != wanted[KEYS]
        return bool(there.get(CLUSTER) == wanted[CLUSTER] and not other)

    def _of_another_run(self, found: Any, inputs: Inputs) -> RefusedError:
        """The network is the first thing that is made: who made it has the name."""
        there, name = self.marks(found), inputs["marks"][CLUSTER]
        who = f"run {there.get(RUN, 'unknown')} made it at {self.made_at(found)}"
        return RefusedError(
            [
                Finding(
                    f"the {self.noun} {inputs['name']}",
                    f"another 'provision up' with other keys has the name {name} ({who})",
                    f"give this one another --name, run it where the other was started, or "
                    f"'provision down {name}' first",
                )
            ]
        )

    def read(self, ident: str, state: Outputs) -> Outputs | None:
        """The state with everything that the cloud shows put in."""
        found = self.get(ident)
        return None if found is None else {**state, **self.seen(found)}

    def update(self, ident: str, old: Outputs, new: Inputs, work: Work) -> Outputs:
        """See :meth:`change`."""
        self.change(ident, old, new, work)
        return {**old, **new}

    def delete(self, ident: str, state: Outputs, work: Work) -> None:
        """Delete it and wait until it is gone."""
        try:
            self.erase(ident, work)
        except NotFound:
            return

    def leftover(self, found: Listed) -> Leftover:
        """One of a list, removed within a time that counts from then."""

        def remove(seconds: float) -> None:
            self.delete(found.ident, {}, Work.within(seconds, threading.Event()))

        return Leftover.marked(
            self.noun, found.ident.rpartition("/")[2], found.marks, remove, found.region,
            found.created, found.machine_types,
        )  # fmt: skip


def first_with_room(zones: Iterable[str], create: Callable[[str], Created]) -> Created:
    """Made in the first zone that is not out of stock; raises StockOut of the last one."""
    trouble: CloudFailure | None = None
    for zone in zones:
        try:
            return create(zone)
        except StockOut as failure:
            trouble = failure
    assert trouble is not None, "somebody names a zone"
    raise trouble
