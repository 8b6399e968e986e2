"""Slurm's words in, our words out."""

import dataclasses

import pytest

from provision.errors import SchedulerDown, SchedulerFailure
from provision.scheduler import Completed, MemberState
from provision.schedulers.slurm.scheduler import Slurm


@dataclasses.dataclass
class Scripted:
    """A shell that answers from a table of command beginnings and remembers what was asked."""

    answers: dict[str, Completed]
    asked: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def run(self, command: str, timeout: float, stdin: str = "") -> Completed:
        self.asked.append((command, stdin))
        for part, answer in self.answers.items():
            if part in command:
                return answer
        raise AssertionError(f"nobody expected {command}")


def ok(stdout: str = "") -> Completed:
    return Completed(0, stdout, "")


@pytest.mark.parametrize(
    ("state", "kind", "busy"),
    [
        ("idle", MemberState.READY, False),
        ("mixed", MemberState.READY, True),
        ("allocated", MemberState.READY, True),
        ("completing", MemberState.READY, True),
        ("idle*", MemberState.DOWN, False),
        ("down*", MemberState.DOWN, False),
        ("drained", MemberState.DRAINED, False),
        ("drained*", MemberState.DRAINED, False),
        ("draining", MemberState.DRAINED, True),
        ("inval", MemberState.DOWN, False),
        ("something-new", MemberState.DOWN, False),
    ],
)
def test_states(state: str, kind: MemberState, busy: bool) -> None:
    shell = Scripted({"sinfo": ok(f"n1|{state}|none\n")})
    (member,) = Slurm().members(shell)
    assert (member.state, member.busy, member.detail, member.reason) == (kind, busy, state, "")


def test_members_are_one_call_and_a_reason_may_hold_bars() -> None:
    shell = Scripted({"sinfo": ok("n2|idle|none\nn1|down|a|b\nn1|down|a|b\n")})
    members = Slurm().members(shell)
    assert [(member.name, member.reason) for member in members] == [("n1", "a|b"), ("n2", "")]
    assert len(shell.asked) == 1


FACTS = "LoadState={}\nActiveState={}\nSubState={}\nResult={}\n\n"
REFUSED = "slurm_load_partitions: Unable to contact slurm controller (connect failure)\n"
BROKEN = "[2026-01-01T10:00:00] debug: reads\n[2026-01-01T10:00:00] fatal: no configuration file\n"


@pytest.mark.parametrize(
    ("facts", "log", "kind", "problem"),
    [
        (("loaded", "failed", "failed", "exit-code"), BROKEN, SchedulerDown,
         "slurmctld on the controller is not running (failed, exit-code): "
         "fatal: no configuration file"),
        (("loaded", "activating", "auto-restart", "signal"), "", SchedulerDown,
         "slurmctld on the controller is not running (ended, is being started again, signal)"),
        (("masked", "inactive", "dead", "success"), "", SchedulerDown,
         "slurmctld on the controller is not running (masked)"),
        (("loaded", "active", "running", "success"), "", SchedulerFailure,
         "slurmctld on the controller runs and does not answer (slurm_load_partitions: Unable to "
         "contact slurm controller (connect failure))"),
    ],
    ids=["it fails", "it is started again", "masked", "it runs"],
)  # fmt: skip
def test_a_dead_slurmctld_is_told_as_what_it_is(
    facts: tuple[str, ...], log: str, kind: type[SchedulerFailure], problem: str
) -> None:
    answer = "Booted=yes\n" + FACTS.format(*facts) + log
    shell = Scripted({"sinfo": Completed(1, "", REFUSED), "systemctl show slurmctld": ok(answer)})
    with pytest.raises(SchedulerFailure) as caught:
        Slurm().members(shell)
    assert (type(caught.value), caught.value.problem) == (kind, problem)
    assert "provision logs" in caught.value.next_step


@pytest.mark.parametrize("words", [REFUSED, "bash: line 1: sinfo: command not found\n"])
def test_a_controller_that_still_boots_is_no_dead_one(words: str) -> None:
    answer = FACTS.format("not-found", "inactive", "dead", "success")
    shell = Scripted({"sinfo": Completed(1, "", words), "systemctl show slurmctld": ok(answer)})
    with pytest.raises(SchedulerFailure, match="is still booting: slurmctld is not up") as caught:
        Slurm().members(shell)
    assert not isinstance(caught.value, SchedulerDown)


def test_agent_starts_skip_what_never_started() -> None:
    lines = (
        "NodeName=n1 Arch=x86_64 SlurmdStartTime=2026-01-02T03:04:05 Comment=x=y\n"
        "NodeName=n2 SlurmdStartTime=None\n"
    )
    assert Slurm().agent_starts(Scripted({"scontrol": ok(lines)})) == {"n1": 1767323045.0}


def test_the_proof_counts_distinct_nodes() -> None:
    shell = Scripted({"srun": ok("n2\nn1\n")})
    proof = Slurm().prove(shell, ["n1", "n2"], 10)
    assert proof.nodes == 2
    assert shell.asked[0][1] == "n1\nn2"


@pytest.mark.parametrize("answer", ["n1\n", "n1\nn1\n", "n1\nn3\n", ""])
def test_a_proof_from_other_nodes_is_none(answer: str) -> None:
    with pytest.raises(SchedulerFailure, match=r"from n[12]"):
        Slurm().prove(Scripted({"srun": ok(answer)}), ["n1", "n2"], 10)


def test_a_refusal_carries_the_last_line() -> None:
    shell = Scripted({"sinfo": Completed(1, "", "noise\nslurm_update error: Invalid node state\n")})
    with pytest.raises(SchedulerFailure, match="Invalid node state"):
        Slurm().members(shell)


def test_forget_asks_only_for_nodes_that_are_known() -> None:
    shell = Scripted({"sinfo": ok("n1|down|none\n"), "scontrol": ok()})
    Slurm().forget(shell, ["n1", "n9"])
    assert [command for command, _ in shell.asked if "n9" in command] == []
    assert any("delete nodename=n1" in command for command, _ in shell.asked)


def test_reasons_are_quoted_for_the_shell() -> None:
    shell = Scripted({"scontrol": ok()})
    Slurm().drain(shell, ["n1"], "it's; rm -rf /")
    assert shell.asked[0][0].endswith("""reason='it'"'"'s; rm -rf /'""")


@pytest.mark.parametrize("state", ["idle", "idle*", "mixed"])
def test_the_reason_of_a_drain_that_is_over_is_not_told(state: str) -> None:
    (member,) = Slurm().members(Scripted({"sinfo": ok(f"n1|{state}|disk\n")}))
    assert member.reason == ""
    (member,) = Slurm().members(Scripted({"sinfo": ok("n1|drained|disk\n")}))
    assert member.reason == "disk"


def test_only_nodes_out_of_service_are_resumed() -> None:
    states = "n1|idle|none\nn2|drained|why\nn3|idle*|none\nn4|down|why\nn5|mixed|none\n"
    shell = Scripted({"sinfo": ok(states), "state=resume": ok()})
    Slurm().resume(shell, ["n1", "n2", "n3", "n4", "n5"])
    (resumed,) = shell.asked[1:]
    assert resumed[0].endswith("; sudo scontrol update nodename=n2,n4 state=resume")


def test_where_nobody_listens_slurms_commands_are_not_begun() -> None:
    """They would try again for a minute, and whoever waits would learn nothing."""
    shell = Scripted({"sinfo": ok("n1|idle|none\n")})
    Slurm().members(shell)
    ((command, _),) = shell.asked
    before, _, after = command.partition("; sinfo ")
    assert after and "/proc/net/tcp" in before and f"{6817:X}" in before and "exit 1" in before
