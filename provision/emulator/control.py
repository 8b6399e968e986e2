"""Our own paths, below ``/_emulator/``: dials, and the ground truth of what exists and was asked.

Lists are NDJSON, one object a line. All of them want the token of the printed environment (``access.py``).

    GET    /_emulator/               what this is, and where the rest is
    GET    /_emulator/dials          all dials as they stand;  PATCH merges a JSON object into them
    GET    /_emulator/requests       every request (``?since=N`` only later ones);  DELETE forgets them
    GET    /_emulator/calls          how many requests, by method and status
    GET    /_emulator/resources      everything that exists (``?kind=instances`` one kind)
    GET    /_emulator/machines       every VM with what its machine does
    POST   /_emulator/happen         {"what": "crash|preempt|stop|delete", "instance": PATTERN}
"""

import fnmatch
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provision.emulator import lives
from provision.emulator.access import PREFIX
from provision.emulator.dials import DialError
from provision.emulator.emulator import Emulator
from provision.emulator.exchange import Trouble
from provision.emulator.lives import Vm


def _emulator(request: Request) -> Emulator:
    found: Emulator = request.app.state.emulator
    return found


def _json(content: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n", status,
        media_type="application/json",
    )  # fmt: skip


def _lines(rows: Iterable[dict[str, Any]]) -> Response:
    data = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    return Response(data, media_type="application/x-ndjson")


def _refuse(emulator: Emulator, message: str) -> Response:
    refusal = emulator.exchange.api.refusal(Trouble.WRONG, message)
    return _json(refusal.body(), refusal.status)


async def about(request: Request) -> Response:
    """What this is."""
    emulator = _emulator(request)
    return _json(
        {
            "emulator": emulator.name,
            "url": emulator.url,
            "links": emulator.cloud.links,
            "paths": [route.path for route in routes()],
        }
    )


async def dials(request: Request) -> Response:
    """The dials; a PATCH turns some of them."""
    emulator = _emulator(request)
    if request.method == "PATCH":
        try:
            change = orjson.loads(await request.body())
            if not isinstance(change, dict):
                return _refuse(emulator, "Send a JSON object of dials.")
            emulator.cloud.change(change)
        except orjson.JSONDecodeError as error:
            return _refuse(emulator, f"The body is not JSON: {error}.")
        except DialError as error:
            return _refuse(emulator, str(error))
    return _json(emulator.cloud.dials.model_dump(mode="json"))


async def requests(request: Request) -> Response:
    """Every request that came, or only those after ``since``."""
    record = _emulator(request).record
    if request.method == "DELETE":
        record.clear()
        return Response(status_code=204)
    since = request.query_params.get("since", "0")
    if not since.isdecimal():
        return _refuse(_emulator(request), "since must be a number of a request.")
    return _lines(record.since(int(since)))


async def calls(request: Request) -> Response:
    """How many requests came, by method and status."""
    counts: dict[str, dict[str, int]] = {}
    for (method, status), count in sorted(_emulator(request).record.counts.items()):
        counts.setdefault(method, {})[str(status)] = count
    return _json(counts)


async def resources(request: Request) -> Response:
    """All that exists and somebody made; system routes and operations only when asked for."""
    wanted = request.query_params.get("kind", "")
    return _lines(_resources(_emulator(request), wanted))


def _resources(emulator: Emulator, wanted: str) -> Iterator[dict[str, Any]]:
    cloud = emulator.cloud
    furnished = cloud.furnished()
    for account in cloud.world.accounts.values():
        if account.name in furnished:
            continue
        for kind, table in account.tables.items():
            if wanted not in ("", kind) or (not wanted and kind in cloud.passing):
                continue
            for scope in table.scopes():
                for name in table.names(scope):
                    resource = table.get(scope, name)
                    if not wanted and _furnished(account.born, resource):
                        continue
                    yield {
                        "kind": kind, cloud.account_kind: account.name, "scope": scope, "name": name,
                        "status": getattr(resource, "status", ""),
                    }  # fmt: skip


def _furnished(born: frozenset[int], resource: object) -> bool:
    """Whether it came with the account: a default network and what belongs to it."""
    return id(resource) in born


async def machines(request: Request) -> Response:
    """Every VM, and whether the machine behind it executes."""
    return _lines(_machine(vm) for vm in _emulator(request).vms())


def _machine(vm: Vm) -> dict[str, Any]:
    return {
        "name": vm.name,
        "path": vm.path,
        "key": vm.key,
        "status": vm.status,
        "life": vm.life,
        "executes": vm.executes,
        "address": vm.address,
        "external": vm.external,
        "created": vm.created,
        "started": vm.started,
        "message": vm.status_message,
    }


async def happen(request: Request) -> Response:
    """Something befalls VMs without a request of the API: drift by hand."""
    try:
        wish = orjson.loads(await request.body())
        what, pattern = wish["what"], wish["instance"]
        act = _HAPPENINGS[what]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        names = "|".join(_HAPPENINGS)
        return _refuse(_emulator(request), f'Send {{"what": "{names}", "instance": "PATTERN"}}.')
    chosen = [
        vm
        for vm in _emulator(request).vms()
        if fnmatch.fnmatchcase(vm.name, str(pattern)) or vm.path == pattern
    ]
    for vm in chosen:
        act(vm)()
    return _json({"what": what, "instances": [vm.path for vm in chosen]})


_HAPPENINGS: dict[str, Callable[[Vm], Callable[[], None]]] = {
    "crash": lambda vm: partial(lives.crash, vm, vm.life),
    "preempt": lambda vm: partial(lives.preempt, vm, vm.life),
    "stop": lambda vm: partial(lives.stop, vm),
    "delete": lambda vm: partial(lives.remove, vm),
}


def routes() -> list[Route]:
    """All of them."""
    return [
        Route(f"{PREFIX}/", about),
        Route(f"{PREFIX}/dials", dials, methods=["GET", "PATCH"]),
        Route(f"{PREFIX}/requests", requests, methods=["GET", "DELETE"]),
        Route(f"{PREFIX}/calls", calls),
        Route(f"{PREFIX}/resources", resources),
        Route(f"{PREFIX}/machines", machines),
        Route(f"{PREFIX}/happen", happen, methods=["POST"]),
    ]
