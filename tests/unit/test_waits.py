"""Every wait has a limit of time: calls that can wait for ever are found here, and each one that may
says why."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BARE = {"result", "exception", "wait", "join", "get", "communicate", "acquire", "wait_closed"}
"""Methods that wait for ever where nothing at all is handed to them."""
LIMITED = {
    "run", "call", "check_call", "check_output", "urlopen", "create_connection", "as_completed",
    "communicate", "getaddrinfo", "request", "get", "post", "put", "delete",
}  # fmt: skip
"""Functions of these modules that wait for ever without ``timeout=``."""
OF = {"subprocess", "urllib.request", "request", "socket", "futures", "requests", "http"}
ALWAYS = {
    "time.sleep", "os.read", "os.wait", "os.waitpid", "socket.recv", "self._socket.recv",
    "signal.pause", "input", "select.select", "os.waitid",
}  # fmt: skip
"""These wait however they are called, or for as long as the other side likes."""

ENDED = "it has ended already; this only asks what came of it"
CALLS = "each call within has the retry policy's own limit"
PARENT = "its parent writes or goes away, and both end it"
MAY = {
    "provision/clouds/gce/account/survey.py: together: with ThreadPoolExecutor": CALLS,
    "provision/clouds/common/calls.py: Calls.waited: tries.outcome.result": ENDED,
    "provision/clouds/common/calls.py: _failure: state.outcome.exception": ENDED,
    "provision/clouds/gce/census.py: clusters: with ThreadPoolExecutor": CALLS,
    "provision/clouds/gce/census.py: census: with ThreadPoolExecutor": CALLS,
    "provision/clouds/gce/census.py: census: answer.result": CALLS,
    "provision/sweep.py: sweep: with ThreadPoolExecutor": CALLS,
    "provision/emulator/booting.py: RuntimeMachines.close: pool.shutdown": "boots end by themselves",
    "provision/emulator/serve.py: forever: threading.Event().wait": "it serves until Ctrl-C",
    "provision/emulator/serve.py: around: process.wait": "the user's own command, ended by Ctrl-C",
    "provision/engine/command.py: PulumiCommand.run: child.wait": "its steps have limits",
    "provision/recipes/guard.py: guarded: pool.shutdown": "the work in it was stopped, or has ended",
    "provision/provider/server.py: Attached._serve: self._leave.wait": "a server, until its engine is done",
    "provision/provider/server.py: _plugin: gone.wait": "a server, until its engine is gone",
    "provision/recipes/release.py: _removed: state.outcome.result": ENDED,
    "provision/recipes/reports.py: _wait: state.outcome.result": ENDED,
    "provision/remote/fanout.py: _reached: way.get": "connecting has a limit",
    "provision/runtimes/container/runtime.py: _each: as_completed": "each call to the engine has a limit",
    "provision/runtimes/container/runtime.py: _each: future.result": ENDED,
    "provision/runtimes/container/runtime.py: _each: pool.shutdown": "each call to the engine has a limit",
    "provision/runtimes/container/service.py: PodmanService._hold: self._ended.wait": "ends with us",
    "provision/runtimes/light/guest/__main__.py: Zygote._orders: os.read": "a selector has seen it",
    "provision/runtimes/light/guest/__main__.py: Zygote._child: os.read": PARENT,
    "provision/runtimes/light/guest/__main__.py: Zygote._report: os.read": "a selector has seen it",
    "provision/runtimes/light/guest/fabric.py: make: os.read": PARENT,
    "provision/runtimes/light/guest/netlink.py: Netlink._ask: self._socket.recv": "the kernel answers",
    "provision/runtimes/light/zygote.py: Zygote._hear: os.read": "a selector has seen it",
    "provision/runtimes/removal.py: until_gone: error.last_attempt.result": ENDED,
    "provision/recipes/creation.py: Creation.complete: self._work.result": ENDED,
    "provision/recipes/creation.py: Creation.refused: self._work.result": ENDED,
}
"""Where and what, and why it may wait without a limit of its own."""


def waits(source: str) -> Iterator[tuple[str, str]]:
    """Function and call of each wait without a limit, in a module's text."""
    yield from _within(ast.parse(source), "")


def _within(tree: ast.AST, place: str) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(tree):
        here = place
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            here = f"{place}.{child.name}".lstrip(".")
        if _limits(child):
            continue
        if isinstance(child, ast.Call) and (found := _endless(child)):
            yield place, found
        if isinstance(child, ast.With) and any(_pool(item) for item in child.items):
            yield place, "with ThreadPoolExecutor"
        yield from _within(child, here)


def _endless(call: ast.Call) -> str:
    name = ast.unparse(call.func)
    base, _, last = name.rpartition(".")
    given = {keyword.arg for keyword in call.keywords}
    if name in ALWAYS:
        return name
    if last in ("Retrying", "retry") and "stop" not in given:
        return name
    if (
        last == "flock"
        and "LOCK_NB" not in ast.unparse(call)
        and "LOCK_UN" not in ast.unparse(call)
    ):
        return name
    if last == "shutdown" and not call.args and ast.unparse(call).find("wait=False") < 0:
        return name
    if base and last in BARE and not call.args and not given - {"check"}:
        return name
    limited = last in LIMITED and (
        base.rpartition(".")[2] in OF or last in ("as_completed", "urlopen")
    )
    return name if limited and "timeout" not in given else ""


def _limits(node: ast.AST) -> bool:
    """Whether what stands within is given up after a time."""
    if isinstance(node, ast.AsyncWith):
        return any("asyncio.timeout(" in ast.unparse(item) for item in node.items)
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.wait_for"


def _pool(item: ast.withitem) -> bool:
    """Leaving the block waits for whatever is in the pool, and Ctrl-C waits with it."""
    return "ThreadPoolExecutor(" in ast.unparse(item.context_expr)


def test_waits_are_found() -> None:
    text = """
async def one(x):
    x.result(); x.wait(); x.join(); queue.get(); time.sleep(1); subprocess.run(["a"])
    x.result(3); x.wait(timeout=2); ", ".join(y); d.get("k"); subprocess.run(["a"], timeout=3)
    Retrying(wait=1); Retrying(stop=1); fcntl.flock(f, fcntl.LOCK_EX)
    with ThreadPoolExecutor(3) as pool: pass
    async with asyncio.timeout(3): await x.wait()
    await asyncio.wait_for(x.wait(), 3)
"""
    assert [call for _, call in waits(text)] == [
        "x.result", "x.wait", "x.join", "queue.get", "time.sleep", "subprocess.run", "Retrying",
        "fcntl.flock", "with ThreadPoolExecutor",
    ]  # fmt: skip


def test_every_wait_has_a_limit_or_says_why_it_needs_none() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {place}: {call}"
        for folder in ("provision", "stacks")
        for path in (ROOT / folder).rglob("*.py")
        for place, call in waits(path.read_text(encoding="utf-8"))
    }
    assert sorted(found - set(MAY)) == [], "waits without a limit"
    assert sorted(set(MAY) - found) == [], "these are gone; take them from the list"
