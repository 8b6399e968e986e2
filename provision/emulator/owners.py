"""Whose machines are whose: each emulator marks its machines, so that a later one can clear up."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from provision.runtime import MachineRuntime

LABEL = "provision-emulator"
"""Label of all that an emulator makes on this host; its value is the owner."""
VM = "provision-vm"
"""Label of a machine; its value is the emulated VM's key."""
NETWORK = "provision-subnetwork"
"""Label of a network; its value is its own name, so that it can go alone."""


FOLDER = "provision-emulate-"
"""How a temporary folder's name begins; its owner follows."""


def own() -> str:
    """This process as an owner: its number and when it began."""
    return f"{os.getpid()}-{_began(os.getpid())}"


def _began(process: int) -> str:
    """When a process began, in ticks since the host's boot (proc(5), field 22); '' if it is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def alive(owner: str) -> bool:
    """Whether that process still runs."""
    process, _, began = owner.partition("-")
    return process.isdecimal() and bool(began) and _began(int(process)) == began


def clean_folders() -> list[str]:
    """Remove the user's temporary folders of emulators that are gone; they hold keys."""
    removed: list[str] = []
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{FOLDER}*")):
        owner = "-".join(path.name.removeprefix(FOLDER).split("-")[:2])
        with suppress(FileNotFoundError):  # another emulator clears up too
            if not alive(owner) and path.stat().st_uid == os.getuid():
                shutil.rmtree(path, ignore_errors=True)
                removed.append(str(path))
    return removed


def clean(runtime: MachineRuntime) -> list[str]:
    """Remove what emulators that are gone have left; answers what was removed."""
    found = {marks.get(LABEL, "") for _, _, marks in runtime.leftovers({LABEL: ""})}
    removed: list[str] = []
    for owner in sorted(found):
        if owner and not alive(owner):
            removed += runtime.stop({LABEL: owner})
    return removed
