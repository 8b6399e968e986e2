"""A page in a real browser, served from elsewhere, reads, makes and deletes nothing.

Chromium itself decides what a page may send and which headers say so: what the rules of
``provision/emulator/access.py`` rely on. Every attempt of ``attack.html`` is seen to arrive, and the same
page is seen to do harm where those rules are off.
"""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.cloud import compute_v1 as c

from provision.emulator.access import Access
from tests.emulator.clients import google
from tests.emulator.conftest import Gce
from tests.emulator.test_dials import insert, status, until
from tests.emulator.test_google import P

PAGE = Path(__file__).with_name("attack.html").read_bytes()
NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
EVIL = "evil.example"
SECONDS = 60.0
"""Deadline of one visit; it takes about one."""
ATTEMPTS = 16
"""Requests of one visit: those of the page, less the preflights that stand for three of them."""
PREY = ("prey-batch", "prey-delete")


@dataclass(frozen=True)
class Site:
    """A server that is not the emulator's: its port, and what pages that it served have told it."""

    port: int
    told: queue.SimpleQueue[dict[str, str]]


class Served(BaseHTTPRequestHandler):
    """The page, and behind it the emulator: what a name leads to that is rebound once the page is there."""

    protocol_version = "HTTP/1.1"

    def __init__(self, behind: str, told: queue.SimpleQueue[dict[str, str]], *more: Any) -> None:
        self.behind, self.told = behind, told
        super().__init__(*more)

    def answer(self) -> None:
        """The page, or what the emulator says to just that request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/page?"):
            self._send(200, "text/html", PAGE)
        elif self.path == "/told":
            self._send(204, "text/plain", b"")
            self.told.put(json.loads(body))
        else:
            given = {
                name: value for name, value in self.headers.items() if name != "Accept-Encoding"
            }
            line = HTTPConnection(self.behind, timeout=30)
            with closing(line):
                line.request(self.command, self.path, body or None, given)
                heard = line.getresponse()
                kind = heard.headers["Content-Type"] or "text/plain"
                self._send(heard.status, kind, heard.read())

    def _send(self, code: int, kind: str, data: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_PATCH = do_OPTIONS = answer  # http.server's names

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Quiet(ThreadingHTTPServer):
    """A browser that is ended hangs up on it."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


@pytest.fixture
def elsewhere(gce: Gce) -> Iterator[Site]:
    """Where the page comes from."""
    told: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
    handler = partial(Served, gce.endpoint.removeprefix("http://"), told)
    with Quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(server.server_port, told)
        server.shutdown()
        thread.join(10)


def visit(site: Site, url: str, profile: Path) -> dict[str, str]:
    """What the page at that URL has read, by attempt. No name but :data:`EVIL` resolves."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Chromium is not here: run 'tools/setup.sh test'")
    words = [
        found, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
        "--disable-background-networking", "--disable-component-update", "--disable-breakpad",
        f"--host-resolver-rules=MAP {EVIL} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", url,
    ]  # fmt: skip
    env = {**os.environ, "HOME": f"{profile}", "XDG_RUNTIME_DIR": f"{profile}"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, stdout=quiet, stderr=quiet, env=env, start_new_session=True)
    try:
        return site.told.get(timeout=SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # a browser is many processes
        process.wait(10)


def names(gce: Gce) -> set[str]:
    client = google(c.NetworksClient, gce.endpoint)
    return {network.name for network in client.list(project=P)}


@pytest.fixture
def prey(gce: Gce) -> Gce:
    """With what a page would like to remove or stop."""
    client = google(c.NetworksClient, gce.endpoint)
    for name in PREY:
        body = c.Network(name=name, auto_create_subnetworks=False)
        client.insert(project=P, network_resource=body).result()
    insert(gce, name="prey").result()
    until(lambda: status(gce, "prey") == "RUNNING")
    gce.exchanges.clear()
    return gce


def pages(prey: Gce, elsewhere: Site) -> dict[str, tuple[str, str]]:
    """Where a page comes from, and at which address it looks for the emulator."""
    return {
        "another port": (f"http://127.0.0.1:{elsewhere.port}", prey.endpoint),
        "another site": (f"http://{EVIL}:{elsewhere.port}", prey.endpoint),
        "a name of its own": (
            f"http://127.0.0.1:{elsewhere.port}", prey.endpoint.replace("127.0.0.1", EVIL),
        ),
        "rebinding": (f"http://{EVIL}:{elsewhere.port}", f"http://{EVIL}:{elsewhere.port}"),
    }  # fmt: skip


@pytest.mark.parametrize("way", ["another port", "another site", "a name of its own", "rebinding"])
def test_a_page_in_a_browser_reads_and_changes_nothing(
    prey: Gce, elsewhere: Site, way: str, tmp_path: Path
) -> None:
    page, at = pages(prey, elsewhere)[way]
    read = visit(elsewhere, f"{page}/page?at={at}", tmp_path / "profile")
    came = list(prey.exchanges)
    assert len(came) >= ATTEMPTS and {"GET", "POST"} <= {each.verb for each in came}
    assert {each.status for each in came} == {403}, "every attempt came, and none came in"
    assert not [name for name, text in read.items() if "default" in text or "prey" in text], read
    assert names(prey) == {"default", *PREY} and status(prey, "prey") == "RUNNING"
    assert prey.made.cloud.dials.seed == 0


@pytest.mark.parametrize(
    ("way", "harm"),
    [
        ("another port", {"stopped"}),
        ("rebinding", {"read", "made", "removed", "stopped"}),
    ],
)
def test_the_same_page_does_harm_where_nobody_looks_who_speaks(
    prey: Gce, elsewhere: Site, way: str, harm: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(Access, "refusal", lambda *_: (0, ""))
    page, at = pages(prey, elsewhere)[way]
    read = visit(elsewhere, f"{page}/page?at={at}", tmp_path / "profile")
    until(lambda: status(prey, "prey") in ("STOPPING", "TERMINATED"))
    seen = {"stopped"}
    if any("prey-batch" in text for text in read.values()):
        seen.add("read")
    if names(prey) - {"default", *PREY}:
        seen.add("made")
    if not set(PREY) <= names(prey):
        seen.add("removed")
    assert seen == harm, read
