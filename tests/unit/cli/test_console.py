"""What is shown where: stderr for progress, stdout for results, a file for events."""

import io
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from provision.cli.console import Console, ConsoleOptions
from provision.cli.plain import PlainView
from provision.cli.tables import Table, plain
from provision.cli.terminal import Terminal, terminal_of
from provision.cli.words import progress, seconds, sentence
from provision.errors import ProvisionError, UsageError
from provision.events import (
    MachineFailed,
    MachineReplaced,
    Noted,
    Progress,
    Retried,
    StepEnded,
    StepStarted,
    Warned,
)

LATE = tuple(f"worker-{n:04d}" for n in (17, 18, 19, 20))
PIPE = Terminal(live=False, colour=False, width=80, unicode=True)


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def console(**options: Any) -> tuple[Console, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Console(ConsoleOptions(**options), out, err, {}), out, err


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            Progress(step="join", done=93, total=100, counts={"booting": 5}, late=LATE[:2]),
            "joined 93/100, 5 booting, 2 late: worker-0017, worker-0018",
        ),
        (
            Progress(step="join", done=96, total=100, counts={"booting": 0}, late=LATE),
            "joined 96/100, 4 late: worker-0017, worker-0018, worker-0019 …",
        ),
        (
            Progress(step="join", done=0, total=8, text="no controller"),
            "joined 0/8 (no controller)",
        ),
        (Progress(step="x", done=0, total=0, text="copying"), "copying"),
    ],
)
def test_progress_in_words(event: Progress, text: str) -> None:
    assert progress(event) == text


def test_sentences_hold_no_control_characters() -> None:
    failed = MachineFailed(machine="w\x1b[31m1", phase="booting", reason="a\nb\x07")
    assert sentence(failed) == "w1 failed (booting): a b"
    retried = Retried(what="list", attempt=1, wait=2.0, error="503")
    assert sentence(retried) == "list failed (503); try 2 in 2.0s"


def test_spans() -> None:
    assert [seconds(s) for s in (0.04, 4.06, 58.2, 185)] == ["0.0s", "4.1s", "58s", "3m05s"]


def test_plain_lines() -> None:
    shown, _, err = console()
    with shown:
        shown.emit(StepStarted(step="join", text="waiting for 2 nodes"))
        shown.emit(Progress(step="join", done=1, total=2))
        shown.emit(Warned(text="slow"))
        shown.emit(StepEnded(step="join", text="2 of 2 nodes joined", seconds=4.06))
        shown.emit(MachineFailed(machine="w", phase="p", reason="r", console_tail="one\n\ntwo\n"))
    assert err.getvalue() == (
        "  waiting for 2 nodes …\n  joined 1/2\n! slow\n✓ 2 of 2 nodes joined (4.1s)\n"
        "✗ w failed (p): r\n    | one\n    | two\n"
    )


def test_plain_progress_is_no_flood() -> None:
    now, err = [0.0], io.StringIO()
    view = PlainView(err, PIPE, clock=lambda: now[0])
    for done in range(1001):
        now[0] += 0.01
        view.show(Progress(step="join", done=done, total=1000))
    assert len(err.getvalue().splitlines()) == 11
    for _ in range(1000):
        now[0] += 0.1
        view.show(Progress(step="join", done=1000, total=1000))
    assert len(err.getvalue().splitlines()) == 11, "what says nothing new is not said again"


def test_a_thousand_failures_are_counted() -> None:
    shown, _, err = console()
    with shown:
        for n in range(1000):
            shown.emit(MachineFailed(machine=f"w{n}", phase="p", reason="r", console_tail="x"))
            shown.emit(MachineReplaced(machine=f"w{n}", reason="r"))
    lines = err.getvalue().splitlines()
    assert len(lines) == 10 + 3 + 10 + 2
    assert lines[-2] == "990 more machines failed; --events FILE keeps them all"


def test_quiet_shows_nothing() -> None:
    shown, out, err = console(quiet=True)
    with shown:
        shown.emit(Warned(text="slow"))
        shown.note("hello")
        shown.result({}, "done")
    assert (out.getvalue(), err.getvalue()) == ("done\n", "")


def test_results_as_table_and_as_json() -> None:
    table = Table(("NAME", "STATE"), [("demo", "up"), ("a-long-name", 3)])
    shown, out, _ = console()
    shown.result({"a": 1}, table, "total: 2")
    assert out.getvalue() == "NAME         STATE\ndemo         up\na-long-name  3\ntotal: 2\n"
    shown, out, _ = console(output="json")
    shown.result({"a": 1}, table, "total: 2")
    assert json.loads(out.getvalue()) == {"a": 1}


def test_a_plain_table_cuts_nothing() -> None:
    long = "x" * 500
    assert long in plain(Table(("A", "B"), [(long, "two\nlines")]))
    assert plain(Table(("A",), [])) == "A\n"


def test_events_go_to_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        shown, _, _ = console(events=path, quiet=True)
        with shown:
            shown.emit(Progress(step="join", done=1, total=2, counts={"booting": 1}, late=("w",)))
            assert path.read_text().endswith("}\n"), "a line is there as soon as it is emitted"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["Progress", "Progress"]
    assert lines[0]["counts"] == {"booting": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("path", ["-", "/", "/does/not/exist", "a\0b"])
def test_events_files_that_cannot_be(path: str) -> None:
    with pytest.raises(UsageError, match="--events"):
        console(events=Path(path))


@pytest.mark.timeout(20)
def test_a_pipe_that_nobody_reads_stops_no_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=r"--events .* cannot be written"):
        console(events=tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        shown, _, err = console(events=tmp_path / "pipe")
        with shown:
            for _ in range(2000):
                shown.emit(Noted(text="x" * 100))
        assert "no more can be written" in err.getvalue()
    finally:
        os.close(reader)


def test_a_full_disk_ends_the_events_and_not_the_run() -> None:
    shown, _, err = console(events=Path("/dev/full"))
    for _ in range(3):
        shown.emit(Noted(text="x"))
    assert err.getvalue().count("--events: no more can be written") == 1
    assert err.getvalue().count("  x\n") == 3


def test_a_broken_stderr_does_not_end_the_run() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    shown = Console(ConsoleOptions(), io.StringIO(), Broken(), {})
    with shown:
        shown.emit(Noted(text="x"))
        shown.emit(StepStarted(step="a", text="b"))
        shown.note("c")


def test_a_full_stdout_is_a_sentence() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, not a path of ours
        shown = Console(ConsoleOptions(), full, io.StringIO(), {})
        with pytest.raises(ProvisionError, match="the result cannot be written \\(No space left"):
            shown.write("x")
        with pytest.raises(OSError, match="No space"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


def test_threads_may_emit() -> None:
    shown, _, err = console()

    def work() -> None:
        for _ in range(200):
            shown.emit(Noted(text="x" * 50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(err.getvalue().splitlines()) == {"  " + "x" * 50}
    assert len(err.getvalue().splitlines()) == 1600


@pytest.mark.parametrize("width", ["1", "40", "200"])
@pytest.mark.parametrize("extra", [{}, {"NO_COLOR": "1"}])
def test_the_live_display(width: str, extra: dict[str, str]) -> None:
    err = Tty()
    environ = {"TERM": "xterm-256color", "COLUMNS": width, **extra}
    with Console(ConsoleOptions(), io.StringIO(), err, environ) as shown:
        shown.emit(StepStarted(step="check", text="checking [bold]spec[/bold]"))
        shown.emit(StepEnded(step="check", text="9 to create", seconds=0.3))
        shown.emit(StepStarted(step="join", text="waiting for 100 nodes to join"))
        shown.emit(Progress(step="join", done=93, total=100, counts={"booting": 5}, late=LATE))
        shown.emit(MachineFailed(machine="w", phase="p", reason="r", console_tail="[/x] tail"))
    said = err.getvalue()
    assert "9 to create (0.3s)" in said
    assert "    | " in said and "[/x] tail" in said
    assert "(stopped after" in said, "a step that never ended says so"
    assert ("\x1b[32m" in said) == (not extra)


def test_a_table_on_a_narrow_terminal_folds() -> None:
    out = Tty()
    environ = {"TERM": "xterm", "COLUMNS": "40", "NO_COLOR": "1"}
    shown = Console(ConsoleOptions(), out, io.StringIO(), environ)
    shown.result({}, Table(("NAME", "WORDS"), [("demo", "word " * 30), ("[red]", "x")]))
    assert max(map(len, out.getvalue().splitlines())) <= 40
    assert "[red]" in out.getvalue()


@pytest.mark.parametrize(
    ("stream", "environ", "live", "colour"),
    [
        (Tty(), {"TERM": "xterm"}, True, True),
        (Tty(), {"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        (Tty(), {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        (Tty(), {"TERM": "xterm", "CLICOLOR": "0"}, True, False),
        (Tty(), {"TERM": "dumb"}, False, False),
        (Tty(), {}, False, False),
        (io.StringIO(), {"TERM": "xterm"}, False, False),
        (io.StringIO(), {"CLICOLOR_FORCE": "1"}, False, True),
        (io.StringIO(), {"CLICOLOR_FORCE": "0"}, False, False),
        (io.StringIO(), {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, False),
        (None, {"TERM": "xterm"}, False, False),
    ],
)
def test_what_a_stream_can_show(
    stream: io.StringIO | None, environ: dict[str, str], live: bool, colour: bool
) -> None:
    terminal = terminal_of(stream, environ)
    assert (terminal.live, terminal.colour) == (live, colour)
