"""A method's result as Google's JSON: lists filtered, ordered and by page; only the fields asked for."""

from collections.abc import Callable, Sequence
from typing import Any

from provision.emulator import page
from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.listing import fields, filter, order
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.world import Json

LARGEST = 500
"""Rows of one page."""


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


def _page(
    call: Call,
    keys: Sequence[str],
    accept: Callable[[str], Json | None],
    by: order.Order | None = None,
) -> tuple[list[Json], str]:
    """A page as the query asks for it. Raises ApiError."""
    asked = call.query.get("maxResults")
    size = LARGEST if asked is None else asked
    if not 0 <= size <= LARGEST:
        raise errors.invalid("maxResults", size, f"Must be between 0 and {LARGEST}.")
    token = call.query.get("pageToken", "")
    try:
        return page.take(keys, size or LARGEST, token, accept, by)
    except page.BadToken as bad:
        raise errors.invalid("pageToken", str(bad)[:200], "Invalid page token.") from None


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
        chosen = order.key(query["orderBy"]) if query.get("orderBy") else None
        items, token = _page(call, rows.keys, accept, chosen)
    if items:
        content[rows.holds] = items
    if token:
        content["nextPageToken"] = token
    return content


def _aggregated(call: Call, scopes: Scopes) -> Json:
    """All scopes in one paged answer: items by scope, a warning where a scope has none."""
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

    rows, token = _page(call, sorted(found), accept)
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
