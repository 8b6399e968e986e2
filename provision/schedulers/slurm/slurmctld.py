"""What is wrong with slurmctld where Slurm's commands cannot reach it: asked of the controller's systemd.

Facts: systemctl(1) ``show`` and ``status``; cloud-init writes ``result.json`` when its last stage ends.
"""

import re
from dataclasses import dataclass

from provision.errors import SchedulerDown, SchedulerFailure

CANNOT = re.compile(r"Unable to contact slurm controller|command not found")
"""What Slurm's commands say when there is no slurmctld, and a shell when there is no Slurm yet."""
LISTENS = (
    "grep -qs ':1AA1 [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6 || "
    "{ echo 'Unable to contact slurm controller (nobody listens)' >&2; exit 1; }"
)
"""Before any command of Slurm's: port 6817 in state LISTEN (proc(5), net/tcp). Where nobody listens they
would try again for the whole MessageTimeout, a minute, before they say so."""
COMMAND = (
    "test -e /run/cloud-init/result.json && echo Booted=yes; "
    "systemctl show slurmctld -p LoadState -p ActiveState -p SubState -p Result; echo; "
    "sudo systemctl status slurmctld -n 4 -o cat -l --no-pager 2>/dev/null | sed '1,/^$/d'; "
    "sudo tail -n 4 /var/log/slurm/slurmctld.log 2>/dev/null; true"
)
"""One command: facts as NAME=VALUE, an empty line, then what it wrote last, journal first."""
STAMP = re.compile(r"^\[[^\]]*\] |^slurmctld: ")
"""What stands before a message in Slurm's log and in the journal."""
TROUBLE = re.compile(r"fatal|error", re.IGNORECASE)
MOST_LINES = 2
MOST_LETTERS = 300


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``state`` is systemd's (``failed``, ``masked``, …), ``said`` slurmctld's own last words."""

    booted: bool
    active: bool
    state: str
    said: str


def read(answer: str) -> Diagnosis:
    """What :data:`COMMAND` answered."""
    head, _, tail = answer.partition("\n\n")
    facts = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    load, active = facts.get("LoadState", ""), facts.get("ActiveState", "")
    state = load if load not in ("", "loaded") else active or "unknown"
    detail = facts.get("Result", "") if active != "active" else ""
    if facts.get("SubState") == "auto-restart":
        state = "ended, is being started again"
    if detail not in ("", "success"):
        state += f", {detail}"
    lines = list(dict.fromkeys(STAMP.sub("", line).strip() for line in tail.splitlines()))
    lines = [line for line in lines if TROUBLE.search(line)] or lines
    said = " / ".join(line for line in lines[-MOST_LINES:] if line)[:MOST_LETTERS]
    return Diagnosis("Booted" in facts, active == "active", state, said)


def failure(found: Diagnosis, words: str) -> SchedulerFailure:
    """What to raise for it; ``words`` is what Slurm's command said."""
    if not found.booted and not found.active:
        return SchedulerFailure(
            "the controller is still booting: slurmctld is not up yet", "wait for it to boot"
        )
    said = f": {found.said}" if found.said else ""
    if found.active:
        return SchedulerFailure(
            f"slurmctld on the controller runs and does not answer ({words})",
            "look at 'provision logs' of the controller",
        )
    return SchedulerDown(
        f"slurmctld on the controller is not running ({found.state}){said}",
        "look at 'provision logs' of the controller, mend it there and start it: "
        "'sudo systemctl restart slurmctld'",
    )
