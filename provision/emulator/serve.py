"""Running an emulator: the server on its port, the environment for clients, and the end of it all."""

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from provision.emulator import owners
from provision.emulator.access import Access
from provision.emulator.apis import APIS, FIRST
from provision.emulator.booting import RuntimeMachines
from provision.emulator.dials import Dials
from provision.emulator.hostroom import Refused, held, ignored
from provision.emulator.machines import Machines, NoMachines
from provision.emulator.server import ABORT, application
from provision.errors import Finding, ProvisionError, RefusedError, UsageError
from provision.events import Emit
from provision.processes import end
from provision.runtime import MachineRuntime
from provision.runtimes import runtime_of

START_DEADLINE = 30.0
"""Seconds in which the server must listen."""
GRACE = 10.0
"""Seconds that a command has to end after Ctrl-C, and requests after the end."""
LIMIT_CONNECTIONS = 4096
IDLE_SECONDS = 75
"""Seconds that a connection may say nothing between two requests."""
STATELESS = Finding(
    "--machines",
    "what is asked for is machines that really boot",
    "mend the above, or take '--machines none': VMs that are state only, and never join anything",
)


@dataclass(frozen=True, slots=True)
class Options:
    """What to run. ``port`` 0 takes a free one; ``accounts`` empty lets every name exist.

    ``machines`` is a kind of this host's machines, or ``none`` for VMs that are state only.
    """

    host: str = "127.0.0.1"
    port: int = 0
    machines: str = "none"
    dials: Dials | None = None
    """None for those that an emulator of its kind starts with."""
    accounts: tuple[str, ...] = ()
    links: str = ""
    """What links in answers begin with: '' as in the service, ``own`` for clients that follow them."""
    api: str = FIRST


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on. Raises UsageError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only where it is.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        raise UsageError(
            f"nothing can listen on {host}:{port} ({error})",
            "choose another --port, or 0 for a free one",
        ) from error
    return made


class Protocol(HttpToolsProtocol):
    """HTTP that can hang up in the middle of a request, as a dial may want it."""

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        scope: dict[str, Any] = cast(dict[str, Any], self.scope)
        scope["extensions"] = {ABORT: self.transport.abort}


def server_of(app: ASGIApp) -> uvicorn.Server:
    """A server that says nothing, and lets go of connections that do not either."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, http=Protocol, timeout_keep_alive=IDLE_SECONDS,
        limit_concurrency=LIMIT_CONNECTIONS, timeout_graceful_shutdown=1, server_header=False,
        lifespan="on",
    )  # fmt: skip
    return uvicorn.Server(config)


@contextlib.contextmanager
def running(options: Options, emit: Emit, refused: Refused = ignored) -> Iterator[dict[str, str]]:
    """An emulator that answers, and the environment that leads to it; gone with all its machines.

    ``refused`` is told why no more machines can boot, where the host turns out to have no room for them.
    Raises ``RefusedError`` where the machines cannot boot here, ``UsageError`` for the port.
    """
    machines: Machines = NoMachines()
    booting: RuntimeMachines | None = None
    with contextlib.ExitStack() as stack:
        if options.machines != "none":
            runtime = runtime_of(options.machines)
            room = stack.enter_context(held(options.machines, runtime, emit, refused))
            _ready(runtime, emit)
            machines = booting = RuntimeMachines(runtime, owners.own(), room, emit)
            stack.callback(booting.close)
        listener = stack.enter_context(listen(options.host, options.port))
        port = listener.getsockname()[1]
        name = f"[{options.host}]" if ":" in options.host else options.host
        base = f"http://{'127.0.0.1' if options.host == '0.0.0.0' else name}:{port}"  # noqa: S104  # only compared with
        kind = APIS[options.api]()
        dials = kind.dials if options.dials is None else options.dials
        made = kind.make(base, machines, dials, options.accounts, links=options.links)
        if booting is not None:
            made.cloud.external.begin(os.getpid())
        made.access, made.machines = Access(options.host), options.machines
        server = server_of(application(made))
        stack.enter_context(_serving(server, listener))
        owners.clean_folders()
        prefix = f"{owners.FOLDER}{owners.own()}-"
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
        yield kind.environment(base, options.accounts, made.access.token, folder)


def _ready(runtime: MachineRuntime, emit: Emit) -> None:
    findings = [check.finding for check in runtime.check(1) if check.finding]
    if findings:
        raise RefusedError([*findings, STATELESS])
    owners.clean(runtime)
    runtime.prepare(emit)


@contextlib.contextmanager
def _serving(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """The server in a thread of its own while the block runs."""
    thread = threading.Thread(target=server.run, args=([listener],), name="emulator", daemon=True)
    thread.start()
    try:
        Retrying(
            retry=retry_if_result(lambda up: not up),
            wait=wait_fixed(0.01),
            stop=stop_after_delay(START_DEADLINE),
        )(lambda: server.started or not thread.is_alive())
        if not server.started:
            raise RefusedError(
                [Finding("emulator", "the server did not start", "see the log above")]
            )
        yield
    except RetryError as error:
        raise RefusedError(
            [Finding("emulator", "the server did not listen in time", "try again")]
        ) from error
    finally:
        server.should_exit = True
        thread.join(GRACE)


def forever(options: Options, emit: Emit, announce: Callable[[Mapping[str, str]], None]) -> None:
    """Serve until Ctrl-C; ``announce`` is told the environment once it answers."""
    with running(options, emit) as env:
        announce(env)
        threading.Event().wait()


def around(options: Options, emit: Emit, command: Sequence[str]) -> int:
    """Run a command with the environment, and answer its exit code (128 + signal, as a shell does).

    Where no more machines can boot it is ended at once. Raises ``RuntimeFailure`` that says why.
    """
    why: list[ProvisionError] = []
    children: list[subprocess.Popen[bytes]] = []

    def refused(error: ProvisionError) -> None:
        why.append(error)
        for process in children:
            end(process, GRACE)

    with running(options, emit, refused) as env:
        try:
            process = subprocess.Popen(list(command), env={**os.environ, **env})
        except OSError as error:
            raise UsageError(
                f"'{command[0]}' cannot be run ({error.strerror})", "see that it is on the PATH"
            ) from error
        children.append(process)
        try:
            code = process.wait()
        except KeyboardInterrupt:
            end(process, GRACE)  # it may have had Ctrl-C from the terminal
            raise
        if why:
            raise why[0]
        return code if code >= 0 else 128 - code
