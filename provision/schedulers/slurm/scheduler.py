"""Slurm: configless, dynamic nodes. No list of nodes stands anywhere; ``slurmd -Z`` brings its own.

Facts: slurm.conf, sinfo, scontrol and slurmd man pages of 24.11; SchedMD "Dynamic Nodes".
"""

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from provision.errors import Finding, SchedulerFailure
from provision.keys import Keys
from provision.labels import CONTROLLER
from provision.plan import Plan
from provision.scheduler import Completed, Jobs, Member, MemberState, Proof, Shell, Template, Trial
from provision.schedulers.slurm import conf, slurmctld

MAX_NODES = 65_000
"""MaxNodeCount: room to scale without a restart; the daemon's own limit is 65,536."""
CALL_TIMEOUT = 60.0
"""Seconds one scheduler command may take, the proof aside."""
JOBS_TIMEOUT = 8.0
"""Seconds that counting jobs may take: whoever asks wants to remove the cluster, and waits."""
FLAGS = "*~#!%$@^-+"
"""What sinfo appends to a state (sinfo man page, NODE STATE CODES); ``*`` is: not responding."""
READY_STATES = {"idle", "mixed", "allocated", "completing", "planned"}
BUSY_STATES = {"mixed", "allocated", "completing", "draining"}
DRAIN_STATES = {"drained", "draining"}
REPORT = re.compile(r"Comment=user-data: (.*?)(?= [A-Z][A-Za-z]*=|$)")
"""What a node's own ``provision-report`` has set (cloud-init/fragments/report.yaml.j2)."""


class Slurm:
    """Slurm's side of the :class:`~provision.scheduler.Scheduler` contract."""

    name = "slurm"
    rejoin = "sudo systemctl --no-block try-restart slurmd.service"

    def templates(self, plan: Plan, keys: Keys) -> Mapping[str, Template]:
        """The controller's template and one per worker group."""
        common = {
            "cluster": plan.name,
            "controller": plan.controller,
            "user_key": keys.user,
            "munge_key": keys.munge,
            "in_containers": plan.cloud.traits.on_this_host,
        }
        controller = Template(
            "slurm/controller.yaml.j2",
            {
                **common,
                "host_key": keys.controller_host,
                "has_own_part": bool(plan.own_part(CONTROLLER)),
                "groups": [group.name for group in plan.groups],
                "max_nodes": MAX_NODES,
                "extra_conf": plan.spec.slurm.conf.rstrip("\n"),
            },
        )
        workers = {
            group.name: Template(
                "slurm/worker.yaml.j2",
                {
                    **common,
                    "host_key": keys.worker_host,
                    "group": group.name,
                    "sharing": 1 + len(plan.workers),
                    "has_own_part": bool(group.user_data),
                },
            )
            for group in plan.groups
        }
        return {CONTROLLER: controller, **workers}

    def trial(self, plan: Plan, files: Mapping[str, str]) -> Trial | None:
        """slurmctld itself, started over the slurm.conf that the controller gets."""
        if not plan.spec.slurm.conf.strip():
            return None
        kept = {path: text for path, text in files.items() if path.startswith("/etc/slurm/")}
        return Trial(kept, conf.COMMAND, plan.controller.name)

    def judged(self, plan: Plan, trial: Trial, answer: Completed) -> list[Finding]:
        """What slurmctld did not take."""
        if answer.exit_code == 0:
            return []
        whole = trial.files["/etc/slurm/slurm.conf"]
        return conf.judged(plan.spec.slurm.conf, whole, answer.stdout)

    def faults(self, plan: Plan) -> list[Finding]:
        """Settings of the spec's that cannot be, whatever slurmctld says."""
        return conf.faults(plan.spec.slurm.conf)

    def members(self, controller: Shell) -> list[Member]:
        """All nodes by one ``sinfo``."""
        answer = _call(controller, "sinfo -h -N -p all -o '%N|%T|%E'")
        lines = [line.split("|", 2) for line in answer.stdout.splitlines() if line.count("|") >= 2]
        members = {name.strip(): _member(name.strip(), state, why) for name, state, why in lines}
        return [members[name] for name in sorted(members)]

    def agent_starts(self, controller: Shell) -> Mapping[str, float]:
        """``SlurmdStartTime`` of all nodes by one ``scontrol``, to the second."""
        answer = _call(controller, "TZ=UTC scontrol show nodes --oneliner")
        starts = {}
        for line in answer.stdout.splitlines():
            fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
            try:
                when = datetime.fromisoformat(fields["SlurmdStartTime"] + "+00:00")
            except (KeyError, ValueError):
                continue
            starts[fields["NodeName"]] = when.timestamp()
        return starts

    def jobs(self, controller: Shell) -> Jobs:
        """What one ``squeue`` lists; one that completes has done its work (man page, JOB STATE CODES)."""
        answer = _call(controller, "squeue -h -a -o %T", JOBS_TIMEOUT)
        states = [line.strip() for line in answer.stdout.splitlines() if line.strip()]
        waiting, over = states.count("PENDING"), states.count("COMPLETING")
        return Jobs(running=len(states) - waiting - over, waiting=waiting)

    def reports(self, controller: Shell) -> Mapping[str, str]:
        """What nodes said of their boot, kept as their ``Comment``; all by one ``scontrol``."""
        answer = _call(
            controller, "scontrol show nodes --oneliner | sed -n '/Comment=user-data:/p'"
        )
        found = {}
        for line in answer.stdout.splitlines():
            name, said = line.partition(" ")[0], REPORT.search(line)
            if said:
                found[name.removeprefix("NodeName=")] = said[1].strip()
        return found

    def prove(self, controller: Shell, nodes: Sequence[str], timeout: float) -> Proof:
        """``srun hostname`` on exactly these nodes; their names must come back, each once."""
        command = f"srun -N{len(nodes)} --ntasks-per-node=1 hostname"
        began = time.monotonic()
        answer = _call(controller, _proof_command(nodes, timeout), timeout, "\n".join(nodes))
        seconds = time.monotonic() - began
        seen = answer.stdout.split()
        if sorted(seen) != sorted(nodes):
            missing = sorted(set(nodes) - set(seen))
            raise SchedulerFailure(
                f"the proof job answered from {len(set(seen))} of {len(nodes)} nodes"
                + (f", not from {missing[0]}" if missing else ""),
                "look at 'provision status', then 'provision repair'",
            )
        return Proof(nodes=len(nodes), seconds=seconds, command=command, at=time.time())

    def drain(self, controller: Shell, nodes: Sequence[str], reason: str) -> None:
        """State ``drain`` with the reason."""
        self._update(controller, nodes, f"state=drain reason={shlex.quote(reason)}")

    def resume(self, controller: Shell, nodes: Sequence[str]) -> None:
        """State ``resume``; a node that is in service already is no error.

        One that is in service and silent for a moment is left alone: Slurm refuses to resume it.
        """
        out = {
            member.name
            for member in self.members(controller)
            if member.detail.rstrip(FLAGS).lower() not in READY_STATES
        }
        self._update(controller, [name for name in nodes if name in out], "state=resume")

    def forget(self, controller: Shell, nodes: Sequence[str]) -> None:
        """Delete the nodes' records. A node must be down to be deleted, so it is set down first."""
        known = {member.name for member in self.members(controller)}
        gone = [name for name in nodes if name in known]
        if gone:
            self._update(controller, gone, "state=down reason='removed by provision'")
            names = shlex.quote(",".join(gone))
            _call(controller, f"sudo scontrol delete nodename={names}")

    def _update(self, controller: Shell, nodes: Sequence[str], change: str) -> None:
        if nodes:
            names = shlex.quote(",".join(nodes))
            _call(controller, f"sudo scontrol update nodename={names} {change}")


def _proof_command(nodes: Sequence[str], timeout: float) -> str:
    # The list comes by stdin: a thousand names are too long for some command lines.
    return (
        "list=$(mktemp) && trap 'rm -f $list' EXIT && cat >$list && "
        f"srun -N{len(nodes)} --ntasks-per-node=1 --nodelist=$list --job-name=provision-proof "
        f"--immediate={max(1, int(timeout / 2))} hostname </dev/null"
    )


def _member(name: str, state: str, reason: str) -> Member:
    detail = state.strip()
    base = detail.rstrip(FLAGS).lower()
    silent = "*" in detail[len(base) :]
    if base in DRAIN_STATES:
        kind = MemberState.DRAINED
    elif base in READY_STATES and not silent:
        kind = MemberState.READY
    else:
        kind = MemberState.DOWN
    # Slurm keeps the reason of a drain that is over; like 'sinfo -R', only one that holds is told.
    reason = "" if base in READY_STATES or reason.strip() == "none" else reason.strip()
    return Member(name=name, state=kind, detail=detail, busy=base in BUSY_STATES, reason=reason)


def _call(shell: Shell, command: str, timeout: float = CALL_TIMEOUT, stdin: str = "") -> Completed:
    answer = shell.run(f"{slurmctld.LISTENS}; {command}", timeout, stdin)
    if answer.exit_code != 0:
        if slurmctld.CANNOT.search(answer.stderr):
            asked = shell.run(slurmctld.COMMAND, CALL_TIMEOUT)
            last = answer.stderr.strip().splitlines()[-1].strip()
            raise slurmctld.failure(slurmctld.read(asked.stdout), last[:200])
        words = [line for line in answer.stderr.splitlines() if line.strip()] or ["no message"]
        raise SchedulerFailure(
            f"Slurm refused {command.split('|')[0].split(' -')[0].strip()!r} "
            f"(exit {answer.exit_code}: {words[-1].strip()[:200]})",
            "look at 'provision logs' of the controller",
        )
    return answer
