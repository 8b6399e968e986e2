"""Loud guards for unit tests: no process, no socket, none of the user's own folders, no harm elsewhere.

They are Python's audit events (sys.addaudithook; docs.python.org/3/library/audit_events.html), so it
does not matter through which module or in which thread something is tried. What is forbidden fails at
once and, where the code under test swallows that, again when the test ends.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from provision.engine.binary import PINNED, VARIABLE

PROCESS = {
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
    "pty.spawn",
}  # fmt: skip
SOCKET = {"socket.__new__", "socket.getaddrinfo", "socket.gethostbyname"}
FILES = {
    "open", "os.listdir", "os.scandir", "os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link",
    "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree",
}  # fmt: skip
HARM = {
    "os.rmdir": 1, "os.remove": 1, "os.rename": 2, "os.truncate": 1, "os.chmod": 1, "os.chown": 1,
    "shutil.rmtree": 1, "shutil.move": 2, "os.setxattr": 1, "os.removexattr": 1,
}  # fmt: skip
"""What takes something away or changes who may use it, and how many of its words are paths."""
FOLDER_AT = {
    "os.rmdir": (1,),
    "os.remove": (1,),
    "os.rename": (2, 3),
    "os.chmod": (2,),
    "os.chown": (3,),
}
"""Where such an event tells the descriptor of the folder that its path, or each, starts from."""
CACHES = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")
"""The repository's own caches, which tools write anew while tests run."""
RUN = "PROVISION_TEST_RUN"
"""Variable that every process started by a run of the tests inherits."""
ANY_USERS = (
    "DOCKER_HOST", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TTY_COMPATIBLE",
)  # fmt: skip
"""Variables a user may have set that change what we do; no test sees them."""


class Forbidden(AssertionError):
    """A unit test did what only a test of another layer may do."""


class Guard:
    """What one test may not do, and what it did nevertheless."""

    def __init__(self, folders: Iterable[Path] = (), ours: Iterable[Path] = ()) -> None:
        """``folders`` are the user's own: nothing below them may be touched.

        Only strictly below one of ``ours`` (and the temporary folders of this run) may anything be
        removed, renamed, emptied, or given to others.
        """
        self.broken: list[str] = []
        self._folders = tuple(f"{folder}" for folder in folders)
        self._ours = tuple(str(folder.resolve()) for folder in ours)

    def audit(self, event: str, args: tuple[object, ...]) -> None:
        """Raise ``Forbidden`` for an event that is; remember it too."""
        if event in PROCESS:
            self._refuse(f"starts a process ({_words(args)}): that is for tests/nodes or journeys")
        elif event in SOCKET:
            self._refuse(f"opens a socket ({event}): that is for tests/nodes or journeys")
        elif event in FILES:
            for path in args[:2]:
                if isinstance(path, str | bytes | os.PathLike):
                    self._check(os.fsdecode(path))
        if event in HARM:
            at = FOLDER_AT.get(event, ())
            for number in range(min(HARM[event], len(args))):
                folder = args[at[number]] if number < len(at) and at[number] < len(args) else -1
                self._check_harm(event, args[number], folder)
        elif event == "open" and _empties(args[0], args[2]):
            self._check_harm("open and empty", args[0], -1)
        elif event in ("tempfile.mkdtemp", "tempfile.mkstemp"):
            _made.append(os.path.realpath(str(args[0])))

    def _check_harm(self, event: str, path: object, folder: object) -> None:
        place = _place(path, folder, follow=event in FOLLOWING)
        if place is None or _is_cache(place) or place.startswith("/dev/"):
            return
        if place not in _made and not any(
            place.startswith(f"{ours}/") for ours in (*self._ours, *_made)
        ):
            self._refuse(f"changes {place} ({event}), which is not this run's")

    def _check(self, path: str) -> None:
        if any(path == folder or path.startswith(f"{folder}/") for folder in self._folders):
            self._refuse(f"reads or changes {path}, which is the user's own")

    def _refuse(self, what: str) -> None:
        self.broken.append(what)
        raise Forbidden(f"a unit test {what}")


FOLLOWING = {"os.truncate", "os.chmod", "os.chown", "open and empty", "os.setxattr"}
"""What goes on to where a link points; the rest acts on the link itself."""


def _empties(path: object, flags: object) -> bool:
    """Whether the call empties a file: TemporaryFile opens the folder with O_TMPFILE instead."""
    if not isinstance(flags, int) or not flags & os.O_TRUNC:
        return False
    return isinstance(path, str | bytes | os.PathLike) and not os.path.isdir(path)  # noqa: PTH112  # no events of its own


def _place(path: object, folder: object, follow: bool) -> str | None:
    """Where the path leads, links resolved; None where it tells no path."""
    if isinstance(path, int):
        # A descriptor that is open for writing was looked at when it was opened.
        return None
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    named: str = os.fsdecode(path)
    if isinstance(folder, int) and folder >= 0:
        named = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), named)  # noqa: PTH115, PTH118  # no events
    if follow or os.path.basename(named) in ("", ".", ".."):  # noqa: PTH119  # a Path would drop them
        return os.path.realpath(named)
    return os.path.join(os.path.realpath(os.path.dirname(named)), os.path.basename(named))  # noqa: PTH118, PTH119, PTH120  # no events of its own


def _is_cache(place: str) -> bool:
    repository = f"{Path(__file__).parent.parent}/"
    return place.startswith(repository) and any(
        part in CACHES or part.startswith(".coverage")
        for part in place.removeprefix(repository).split("/")
    )


_made: list[str] = []
"""Temporary folders and files made by this run."""
_active: list[Guard] = []
_hooked: list[bool] = []


@contextmanager
def guarding(guard: Guard) -> Iterator[Guard]:
    """Guard this process while the block runs; the innermost guard is the one that counts."""
    if not _hooked:
        # An audit hook cannot be taken away again, so one stays and asks who is on duty.
        sys.addaudithook(_hook)
        _hooked.append(True)
    _active.append(guard)
    try:
        yield guard
    finally:
        _active.remove(guard)


def _hook(event: str, args: tuple[object, ...]) -> None:
    if _active:
        _active[-1].audit(event, args)


def _words(args: tuple[object, ...]) -> str:
    return " ".join(str(arg) for arg in args[:2])[:120]


def users_folders() -> list[Path]:
    """Where ``provision`` keeps a user's things; ask before the environment is redirected."""
    found = (
        platformdirs.user_state_path("provision"),
        platformdirs.user_cache_path("provision"),
        platformdirs.user_config_path("provision"),
        platformdirs.user_data_path("provision"),
        Path.home() / ".ssh",
    )
    return [path.absolute() for path in found]


def users_pulumi() -> str:
    """The Pulumi CLI that outlives a run of the tests, '' where one on PATH must do."""
    kept = platformdirs.user_cache_path("provision") / "pulumi" / PINNED / "bin" / "pulumi"
    return os.environ.get(VARIABLE, "") or (str(kept) if kept.exists() else "")


def redirected(folder: Path) -> dict[str, str]:
    """Variables that put everything ``provision`` keeps below this folder (XDG base directories)."""
    kinds = ("state", "cache", "config", "data")
    return {f"XDG_{kind.upper()}_HOME": str(folder / kind) for kind in kinds}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of the variables that differ, but for pytest's own."""
    names = {name for name, value in {*before.items()} ^ {*after.items()}}
    return sorted(name for name in names if not name.startswith("PYTEST_"))
