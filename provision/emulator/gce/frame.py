"""What is Google's own about a request: which method, which schema, whose quota, and how it is answered.

The order of it all is the exchange's (``emulator/exchange.py``).
"""

import importlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any

from provision.emulator.dials import Fault
from provision.emulator.exchange import Answer, Asked, Repeat, Trouble
from provision.emulator.gce import errors, permissions, rendering, schema, signin
from provision.emulator.gce.call import Call
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.models import references
from provision.emulator.gce.urls import Found, Method, Urls

OWN_PLACES = frozenset({"regions", "zones", "imageFamilyViews"})
"""Kinds whose methods judge the place in their path themselves."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROJECT = re.compile(r"[a-z](?:[-a-z0-9:.]{0,61}[a-z0-9])?\Z|\d{1,19}\Z")


class Frame:
    """The requests of one emulated GCE, as an ``Api`` of the exchange."""

    headers: Mapping[str, str] = {
        "Cache-Control": "private",
        "Vary": "Origin, X-Origin, Referer",
    }

    def __init__(self, cloud: Cloud, urls: Urls, projects: Sequence[str] = ()) -> None:
        """``projects`` are those that exist; without any, every well-formed name does."""
        self.cloud, self.urls, self._projects = cloud, urls, frozenset(projects)

    def find(self, asked: Asked) -> Found:
        """By Google's document."""
        return self.urls.find(asked.verb, asked.path)

    def admit(self, found: Found) -> None:
        """The project is there, and has requests left in this minute."""
        path = found.path_params
        project = path.get("project", "")
        if not _PROJECT.match(project):
            raise errors.invalid("project", project, "Must be a valid project ID or number.")
        catalogue = self.cloud.catalogue
        if self._projects and project not in self._projects | set(catalogue.data["imageProjects"]):
            raise errors.not_found(f"projects/{project}")
        region = path.get("region") or catalogue.zones.get(path.get("zone", ""), "")
        self.cloud.rates.spend(found.method, project, region)

    def read(self, found: Found, asked: Asked) -> Call:
        """By Google's schema; then what the caller may not."""
        method = found.method
        query = schema.parse_query(method, asked.query)
        kind = asked.headers.get("content-type", "")
        content = schema.parse_body(method, asked.body, kind) if method.request else {}
        permissions.check(self.cloud.dials.denied, method, asked.path, content)
        return Call(
            self.cloud, method, found.path_params, query, content, signin.user(asked.headers)
        )

    def repeat(self, call: Call, asked: Asked) -> Repeat | None:
        """``requestId`` of a project."""
        request = call.query.get("requestId")
        if not request:
            return None
        return Repeat((call.path["project"], request), f"{call.method.id} {asked.path}")

    def reused(self, call: Call) -> ApiError:
        """``requestId`` again, for something else."""
        request = call.query.get("requestId")
        return errors.invalid("requestId", request, "It was used for another request.")

    def handle(self, call: Call) -> Any | Awaitable[Any]:
        """By the function that has the method's name."""
        answering = handler(call.method)
        if call.method.resource not in OWN_PLACES:
            call.place()
        if call.body:
            references.check(call)
        return answering(call)

    def shown(self, call: Call, result: Any) -> Answer:
        """As JSON; 204 for nothing."""
        content = rendering.shown(call, result)
        return Answer(204 if content is None else 200, content)

    def failed(self, fault: Fault) -> ApiError:
        """As the dial says."""
        return ApiError(fault.status, fault.reason, fault.message)

    def refusal(self, trouble: Trouble, message: str) -> ApiError:
        """With Google's word for it."""
        return ApiError(*errors.TROUBLES[trouble], message)

    def request_id(self, asked: Asked) -> str:
        """``requestId``."""
        return dict(asked.query).get("requestId", "")

    def indented(self, asked: Asked) -> bool:
        """Unless ``prettyPrint`` is false."""
        return dict(asked.query).get("prettyPrint", "true") != "false"


Handler = Callable[[Call], Any | Awaitable[Any]]


def snake(name: str) -> str:
    """``listManagedInstances`` as ``list_managed_instances``."""
    return _HUMP.sub("_", name).lower()


@cache
def handler(method: Method) -> Handler:
    """The function of ``responses`` that answers a method. Raises ApiError where none does."""
    package = __package__ + ".responses"
    try:
        module = importlib.import_module(f"{package}.{snake(method.resource)}")
    except ModuleNotFoundError:
        raise errors.not_emulated(method.id) from None
    name = snake(method.name)
    for candidate in (f"{name}_", name):
        found = getattr(module, candidate, None)
        if inspect.isfunction(found) and found.__module__.startswith(package):
            chosen: Handler = found
            return chosen
    raise errors.not_emulated(method.id)
