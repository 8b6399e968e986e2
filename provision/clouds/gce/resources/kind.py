"""What all kinds of GCE's resources have in common: how Google names, asks for and lists them."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from provision.clouds.common.kind import Kind, Listed
from provision.clouds.gce.client import Gce
from provision.failures import NotFound
from provision.labels import CLUSTER
from provision.provider.resource import Inputs, Work

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


class GceKind(Kind):
    """One kind. The names are those of google-cloud-compute.

    Inputs of every kind, beside those of any cloud: ``project``, and ``region`` where it is of one.
    ``ident`` is ``projects/P/global/networks/N`` and the like.
    """

    collection: ClassVar[str]
    client: ClassVar[str]
    argument: ClassVar[str]
    regional: ClassVar[bool] = True

    def __init__(self, gce: Gce) -> None:
        self.gce = gce

    @abstractmethod
    def body(self, inputs: Inputs) -> Body:
        """What ``insert`` is given."""

    def marks(self, found: Any) -> dict[str, str]:
        """Our labels on it, which stand in its description."""
        return from_text(found.description)

    def made_at(self, found: Any) -> str:
        """As RFC 3339."""
        return str(found.creation_timestamp)

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

    def insert(self, inputs: Inputs, work: Work) -> None:
        """One call and its operation."""
        doing = f"create the {self.noun} {inputs['name']}"
        resource = {f"{self.argument}_resource": self.body(inputs)}
        self.work("insert", doing, work, **self.where(inputs), **resource)

    def get(self, ident: str) -> Any | None:
        """What GCE shows of it, None where it is gone."""
        try:
            return self.ask("get", f"read the {self.noun} {last(ident)}", **self.at(ident))
        except NotFound:
            return None

    def erase(self, ident: str, work: Work) -> None:
        """One call and its operation."""
        self.work("delete", f"delete the {self.noun} {last(ident)}", work, **self.at(ident))

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
