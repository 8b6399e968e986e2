"""What all kinds of GCE resources have in common: insert, adopt, get, delete."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from provision.clouds.gce.client import Gce
from provision.errors import CloudFailure, Finding, RefusedError
from provision.failures import NotFound, Taken
from provision.labels import CLUSTER, KEYS, RUN
from provision.provider.resource import Created, Inputs, Outputs, Resource, Work

Body = dict[str, Any]


def as_text(marks: Mapping[str, str]) -> str:
    """Labels as a description, for the kinds of resources that take no labels."""
    return " ".join(f"{key}={value}" for key, value in sorted(marks.items()))


def from_text(description: str) -> dict[str, str]:
    """The labels of a description that :func:`as_text` wrote; others give none of ours."""
    words = (word.partition("=") for word in description.split())
    return {key: value for key, equals, value in words if equals}


def last(link: str) -> str:
    """The name at the end of a link: GCE answers full ones where short ones were given."""
    return link.rpartition("/")[2]


def short(link: str) -> str:
    """A link from ``projects/`` on, without the host before it."""
    at = link.find("projects/")
    return link[at:] if at >= 0 else link


def seconds(timestamp: str) -> float | None:
    """An RFC 3339 time as seconds since the epoch, None where there is none."""
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else None


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource of a list, with our labels on it; ``created`` is in seconds since the epoch."""

    ident: str
    marks: Mapping[str, str]
    region: str = ""
    created: float | None = None
    machine_types: tuple[str, ...] = ()


class Kind(Resource):
    """One kind. ``noun`` is for people; the other names are those of google-cloud-compute.

    Inputs of every kind: ``project``, ``region`` where it is of one, ``name``, and ``marks``, our
    labels: they tell whose it is. ``ident`` is ``projects/P/global/networks/N`` and the like.
    """

    noun: ClassVar[str]
    collection: ClassVar[str]
    client: ClassVar[str]
    argument: ClassVar[str]
    regional: ClassVar[bool] = True

    def __init__(self, gce: Gce) -> None:
        self.gce = gce

    @abstractmethod
    def body(self, inputs: Inputs) -> Body:
        """What ``insert`` is given."""

    @abstractmethod
    def seen(self, found: Any) -> dict[str, Any]:
        """The inputs that stand in a resource as GCE shows it, without project, region and name."""

    def change(self, ident: str, old: Outputs, new: Inputs, work: Work) -> None:
        """Make what is there be as asked; only for inputs that do not replace."""
        raise CloudFailure(f"{self.noun} {new['name']} cannot be changed", "run 'provision down'")

    def marks(self, found: Any) -> dict[str, str]:
        """Our labels on it."""
        return from_text(found.description)

    def where(self, inputs: Inputs) -> dict[str, Any]:
        """Project, and region where it is of one, as arguments of a call."""
        keys = ("project", "region") if self.regional else ("project",)
        return {key: inputs[key] for key in keys}

    def at(self, ident: str) -> dict[str, Any]:
        """The arguments that name it, from its ``ident``."""
        words = ident.split("/")
        place = {"region": words[3]} if self.regional else {}
        return {"project": words[1], **place, self.argument: words[-1]}

    def ident(self, inputs: Inputs) -> str:
        """``projects/P/regions/R/subnetworks/N``."""
        scope = f"regions/{inputs['region']}" if self.regional else "global"
        return f"projects/{inputs['project']}/{scope}/{self.collection}/{inputs['name']}"

    def method(self, verb: str, client: str = "") -> Callable[..., Any]:
        """A method of the kind's client, or of another."""
        from provision.clouds.gce.api.compute import compute_v1

        found: Callable[..., Any] = getattr(
            self.gce.client(getattr(compute_v1, client or self.client)), verb
        )
        return found

    def ask(self, verb: str, doing: str, **request: Any) -> Any:
        """One call of the kind's client."""
        return self.gce.call(doing, self.method(verb), **request)

    def work(self, verb: str, doing: str, work: Work, **request: Any) -> None:
        """One call that changes something, to the end of its operation."""
        operation = self.ask(f"{verb}_unary", doing, **request)
        self.gce.wait(operation, work.left, doing)

    def create(self, inputs: Inputs, work: Work) -> Created:
        """Insert it, or adopt one of that name that is the same cluster's."""
        doing = f"create the {self.noun} {inputs['name']}"
        resource = {f"{self.argument}_resource": self.body(inputs)}
        try:
            self.work("insert", doing, work, **self.where(inputs), **resource)
        except Taken as taken:
            return self.adopt(self.ident(inputs), inputs, work, taken)
        return self.created(self.ident(inputs), inputs)

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
        who = f"run {there.get(RUN, 'unknown')} made it at {found.creation_timestamp}"
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

    def get(self, ident: str) -> Any | None:
        """What GCE shows of it, None where it is gone."""
        try:
            return self.ask("get", f"read the {self.noun} {last(ident)}", **self.at(ident))
        except NotFound:
            return None

    def read(self, ident: str, state: Outputs) -> Outputs | None:
        """The state with everything that GCE shows put in."""
        found = self.get(ident)
        return None if found is None else {**state, **self.seen(found)}

    def update(self, ident: str, old: Outputs, new: Inputs, work: Work) -> Outputs:
        """See :meth:`change`."""
        self.change(ident, old, new, work)
        return {**old, **new}

    def delete(self, ident: str, state: Outputs, work: Work) -> None:
        """Delete it and wait until it is gone."""
        try:
            self.work("delete", f"delete the {self.noun} {last(ident)}", work, **self.at(ident))
        except NotFound:
            return

    def listed(self, *, everywhere: bool = False) -> Iterator[Listed]:
        """All of this kind that carry a cluster's name, by page: of the settings' region, or of all."""
        settings = self.gce.settings
        scope = f"regions/{settings.region}" if self.regional else "global"
        if everywhere and self.regional:
            scope = "aggregated"
        shown = "name,description,creationTimestamp"
        if scope == "aggregated":
            shown += ",region"  # that tells it from those of a zone, and global ones
        path = f"{scope}/{self.collection}"
        for found in self.gce.listed(f"list {self.collection}", path, shown):
            marks = from_text(found.get("description", ""))
            region = last(found.get("region", "")) if scope == "aggregated" else settings.region
            if CLUSTER in marks and (region or not self.regional):
                where = {"project": settings.project, "region": region, "name": found["name"]}
                created = seconds(found.get("creationTimestamp", ""))
                yield Listed(self.ident(where), marks, region if self.regional else "", created)
