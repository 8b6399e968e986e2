"""Requests as Google's library wants them, from the annotations of its own methods."""

import inspect
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, get_args

from provision.clouds.gce.settings import Settings


def request_of(method: Callable[..., Any], settings: Settings, fields: Mapping[str, Any]) -> Any:
    """The request of a client's method, with the settings' project and region where it has such.

    A change gets a fresh ``request_id``: sent again with it, Google does it once. The few that have
    none (``apply_updates_to_instances``, ``set_labels`` of images) may be done twice without harm.
    Raises ValueError for a field that the request has not.
    """
    known = fields_of(method)
    given = dict(fields)
    for name in ("project", "region"):
        if name in known:
            given.setdefault(name, getattr(settings, name))
    if "request_id" in known:
        given.setdefault("request_id", f"{uuid.uuid4()}")
    return _type_of(method)(**given)


def fields_of(method: Callable[..., Any]) -> Iterable[str]:
    """Names of the fields that the request of a client's method has."""
    fields: Iterable[str] = _type_of(method).meta.fields
    return fields


def _type_of(method: Callable[..., Any]) -> Any:
    # By the function, as a bound method would keep its client alive in the cache.
    return _annotated(getattr(method, "__func__", method))


@cache
def _annotated(function: Callable[..., Any]) -> Any:
    annotation = inspect.signature(function).parameters["request"].annotation
    return next(kind for kind in get_args(annotation) if hasattr(kind, "meta"))


_SCOPE = re.compile(
    r"projects/(?P<project>[^/]+)/(?:zones/(?P<zone>[^/]+)|regions/(?P<region>[^/]+)|global)/"
)
"""Where something stands, by its link."""


def scope_of(operation: Any) -> dict[str, str]:
    """Project, and zone or region where it is of one, as arguments of the call that looks at it."""
    found = _SCOPE.search(operation.self_link)
    if found:
        return {key: value for key, value in found.groupdict().items() if value}
    named = {name: getattr(operation, name) for name in ("zone", "region")}
    return {name: link.rpartition("/")[2] for name, link in named.items() if link}
