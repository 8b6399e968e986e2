"""From a request to Google's answer: the same way for every method.

find the method -> dialled faults -> request quota -> Google's schema -> dialled permissions
-> the same request id again? -> the method itself -> filter, order, page -> fields
"""

import importlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from provision.emulator.dials import Fault
from provision.emulator.gce import errors, permissions, schema
from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.listing import fields, filter, order, page
from provision.emulator.gce.models import references
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.urls import Method, Urls
from provision.emulator.gce.world import Json

PREFIX = "/compute/v1"
OWN_PLACES = frozenset({"regions", "zones", "imageFamilyViews"})
"""Kinds whose methods judge the place in their path themselves."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROJECT = re.compile(r"[a-z](?:[-a-z0-9:.]{0,61}[a-z0-9])?\Z|\d{1,19}\Z")


@dataclass(slots=True)
class Answer:
    """What goes back: JSON (None for an empty 204) with a status and perhaps headers."""

    status: int
    content: Json | None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds to wait before it is sent."""
    drop: bool = False
    """Close the connection without a word."""
    method: str = ""


class Frame:
    """Answers requests for one emulated cloud."""

    def __init__(self, cloud: Cloud, urls: Urls, projects: Sequence[str] = ()) -> None:
        """``projects`` are those that exist; without any, every well-formed name does."""
        self.cloud, self.urls, self._projects = cloud, urls, frozenset(projects)
        self._seen: dict[tuple[str, str], tuple[str, Operation]] = {}

    async def answer(
        self, verb: str, path: str, pairs: Sequence[tuple[str, str]], body: bytes,
        content_type: str, user: str,
    ) -> Answer:  # fmt: skip
        """Answer one request; ``pairs`` is the query. Never raises but for a bug of ours."""
        answer = Answer(200, {})
        try:
            found = self.urls.find(verb, path)
            method = found.method
            answer.method = method.id
            fault = self.cloud.faults.request(method.id)
            if fault:
                self._fault(answer, fault)
                if answer.drop or fault.kind == "http":
                    return answer
            self._allowed(method, found.path_params)
            query = schema.parse_query(method, pairs)
            content = schema.parse_body(method, body, content_type) if method.request else {}
            permissions.check(self.cloud.dials.denied, method, path, content)
            call = Call(self.cloud, method, found.path_params, query, content, user)
            result = await self._result(call, path)
            answer.content = shown(call, result)
            if answer.content is None:
                answer.status = 204
        except ApiError as error:
            answer.status, answer.content = error.status, error.body()
        return answer

    def _fault(self, answer: Answer, fault: Fault) -> None:
        if fault.kind == "drop":
            answer.drop = True
        elif fault.kind == "slow":
            answer.delay = self.cloud.seconds_of(
                fault.seconds, "slow", self.cloud.world.fresh_number()
            )
        else:
            error = ApiError(fault.status, fault.reason, fault.message)
            answer.status, answer.content = error.status, error.body()
            if fault.retry_after is not None:
                answer.headers["Retry-After"] = str(fault.retry_after)

    def _allowed(self, method: Method, path: Mapping[str, str]) -> None:
        """The project is there, and has requests left in this minute."""
        project = path.get("project", "")
        if not _PROJECT.match(project):
            raise errors.invalid("project", project, "Must be a valid project ID or number.")
        catalogue = self.cloud.catalogue
        if self._projects and project not in self._projects | set(catalogue.data["imageProjects"]):
            raise errors.not_found(f"projects/{project}")
        region = path.get("region") or catalogue.zones.get(path.get("zone", ""), "")
        self.cloud.rates.spend(method, project, region)

    async def _result(self, call: Call, path: str) -> Any:
        request = call.query.get("requestId")
        key = (call.path["project"], request) if request else None
        if key and key in self._seen:
            before, operation = self._seen[key]
            if before != f"{call.method.id} {path}":
                raise errors.invalid("requestId", request, "It was used for another request.")
            return operation
        answering = handler(call.method)
        if call.method.resource not in OWN_PLACES:
            call.place()
        if call.body:
            references.check(call)
        result = answering(call)
        if inspect.isawaitable(result):
            result = await result
        if key and isinstance(result, Operation):
            self._seen[key] = (f"{call.method.id} {path}", result)
            if len(self._seen) > 50_000:
                del self._seen[next(iter(self._seen))]
        return result


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


def shown(call: Call, result: Any) -> Json | None:
    """A method's result as JSON, with only the ``fields`` that were asked for."""
    content: Json | None
    if isinstance(result, Operation):
        content = result.json()
    elif isinstance(result, Rows):
        content = _list(call, result)
    elif isinstance(result, Scopes):
        content = _aggregated(call, result)
    else:
        content = result
    wanted = call.query.get("fields")
    if wanted and content is not None:
        return fields.select(wanted, content, call.method.response)
    return content


def _accept(
    call: Call, rows: Rows, test: Callable[[Json], bool] | None
) -> Callable[[str], Json | None]:
    if test is None:
        return rows.render

    def accept(key: str) -> Json | None:
        row = rows.render(key)
        return row if test(row) else None

    return accept


def _test(call: Call) -> Callable[[Json], bool] | None:
    text = call.query.get("filter")
    return filter.compile(text) if text else None


def _list(call: Call, rows: Rows) -> Json:
    query = call.query
    accept = _accept(call, rows, _test(call))
    content: Json = {"kind": rows.kind} if rows.kind else {}
    if rows.kind:
        content["id"] = rows.path
        content["selfLink"] = call.cloud.world.base + rows.path
    content |= rows.extra
    if not rows.paged:
        items = [row for key in rows.keys if (row := accept(key)) is not None]
        token = ""
    else:
        items, token = page.take(
            rows.keys, query.get("maxResults"), query.get("pageToken", ""), accept,
            order.key(query["orderBy"]) if query.get("orderBy") else None,
        )  # fmt: skip
    if items:
        content[rows.holds] = items
    if token:
        content["nextPageToken"] = token
    return content


def _aggregated(call: Call, scopes: Scopes) -> Json:
    """All scopes in one paged answer: items by scope, a warning where a scope has none."""
    query = call.query
    test = _test(call)
    found = {
        f"{scope}\0{key}": (scope, rows, key)
        for scope, rows in scopes.groups.items()
        for key in rows.keys
    }

    def accept(mark: str) -> Json | None:
        scope, rows, key = found[mark]
        row = rows.render(key)
        return {"scope": scope, "row": row} if test is None or test(row) else None

    rows, token = page.take(
        sorted(found), query.get("maxResults"), query.get("pageToken", ""), accept, None
    )
    items: dict[str, Json] = {}
    for each in rows:
        items.setdefault(each["scope"], {scopes.name: []})[scopes.name].append(each["row"])
    for scope in scopes.groups:
        if scope not in items:
            items[scope] = {"warning": _no_results(scope)}
    content: Json = {
        "kind": scopes.kind,
        "id": scopes.path,
        "items": dict(sorted(items.items())),
        "selfLink": call.cloud.world.base + scopes.path,
    }
    if token:
        content["nextPageToken"] = token
    return content


def _no_results(scope: str) -> Json:
    return {
        "code": "NO_RESULTS_ON_PAGE",
        "message": f"There are no results for scope '{scope}' on this page.",
        "data": [{"key": "scope", "value": scope}],
    }
