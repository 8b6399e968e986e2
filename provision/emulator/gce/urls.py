"""Google's own description of Compute v1: which method a verb and a path mean.

The discovery document comes with the google-api-python-client package. It is read once, without its
descriptions, into a tree by path segment.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.world import Json

SERVICE = "compute/v1"
DOCUMENT = "discovery_cache/documents/compute.v1.json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter in path or query. ``kind`` is string, integer, number or boolean."""

    name: str
    location: str
    kind: str = "string"
    format: str = ""
    enum: frozenset[str] = frozenset()
    repeated: bool = False
    required: bool = False
    pattern: re.Pattern[str] | None = None
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One method of the API; ``id`` like ``compute.instances.insert``."""

    id: str
    resource: str
    name: str
    verb: str
    parameters: Mapping[str, Parameter]
    request: str = ""
    response: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A method with the path's parameters."""

    method: Method
    path_params: Mapping[str, str]

    @property
    def id(self) -> str:
        """The method's id."""
        return self.method.id


@dataclass(slots=True)
class _Node:
    """One segment of the tree: fixed segments below it, or one that stands for a parameter."""

    fixed: dict[str, "_Node"] = field(default_factory=dict)
    free: "_Node | None" = None
    methods: dict[str, tuple[Method, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(slots=True)
class Urls:
    """All methods, schemas and common parameters of the document."""

    methods: dict[str, Method]
    schemas: dict[str, Json]
    common: dict[str, Parameter]
    _root: _Node = field(default_factory=_Node)

    def add(self, path: str, method: Method) -> None:
        """Put a method where its path (``projects/{project}/...``) leads."""
        node, names = self._root, []
        for segment in path.split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.free = node.free or _Node()
                node = node.free
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.methods[method.verb] = (method, tuple(names))

    def find(self, verb: str, path: str) -> Found:
        """The method for a path that begins with ``/compute/v1/``. Raises ApiError 404."""
        clean = path.strip("/")
        if clean.startswith(f"{SERVICE}/"):
            values: list[str] = []
            node = self._walk(self._root, clean[len(SERVICE) + 1 :].split("/"), values)
            if node and verb in node.methods:
                method, names = node.methods[verb]
                return Found(method, dict(zip(names, values, strict=True)))
            if node:
                raise ApiError(404, "notFound", f"{verb} is no method of {path}.")
        raise ApiError(404, "notFound", f"The requested URL {path} was not found on this server.")

    def _walk(self, node: _Node, segments: list[str], values: list[str]) -> "_Node | None":
        for at, segment in enumerate(segments):
            fixed = node.fixed.get(segment)
            if fixed is not None and node.free is not None:
                # A name may be spelled like a method's word: the fixed one wins if it leads on.
                mark = len(values)
                found = self._walk(fixed, segments[at + 1 :], values)
                if found is not None:
                    return found
                del values[mark:]
                fixed = None
            if fixed is not None:
                node = fixed
            elif node.free is not None and segment:
                values.append(unquote(segment))
                node = node.free
            else:
                return None
        return node if node.methods else None


def _parameter(name: str, given: Json) -> Parameter:
    pattern = given.get("pattern")
    return Parameter(
        name=name,
        location=given["location"],
        kind=given.get("type", "string"),
        format=given.get("format", ""),
        enum=frozenset(given.get("enum", ())),
        repeated=bool(given.get("repeated")),
        required=bool(given.get("required")),
        pattern=re.compile(f"(?:{pattern})\\Z") if pattern else None,
        minimum=int(given["minimum"]) if "minimum" in given else None,
        maximum=int(given["maximum"]) if "maximum" in given else None,
    )


def _slim(pairs: list[tuple[str, Any]]) -> Json:
    """Objects of the document without prose. A property may be named like our omissions, a schema's
    prose is always text."""
    return {
        key: value
        for key, value in pairs
        if not (
            key in ("description", "enumDescriptions", "enumDeprecated")
            and not isinstance(value, dict)
        )
    }


@cache
def load() -> Urls:
    """Read the document; about 0.1 s once."""
    text = files("googleapiclient").joinpath(DOCUMENT).read_text()
    document = json.loads(text, object_pairs_hook=_slim)
    common = {
        name: _parameter(name, {"location": "query", **given})
        for name, given in document["parameters"].items()
    }
    urls = Urls({}, document["schemas"], common)
    for resource, content in document["resources"].items():
        for name, given in content.get("methods", {}).items():
            method = Method(
                id=given["id"],
                resource=resource,
                name=name,
                verb=given["httpMethod"],
                parameters={
                    key: _parameter(key, value)
                    for key, value in given.get("parameters", {}).items()
                },
                request=given.get("request", {}).get("$ref", ""),
                response=given.get("response", {}).get("$ref", ""),
            )
            urls.methods[method.id] = method
            urls.add(given["flatPath"], method)
    return urls
