"""A user's own slurm.conf: refused where it would undo ours, tried by slurmctld, told with its line."""

from collections.abc import Mapping
from typing import Any

import pytest

from provision.cloud import Launch
from provision.errors import SpecError
from provision.events import Emit, Warned
from provision.schedulers.slurm import conf as settings
from tests.world import World, world

__all__ = ["world"]


def spec(conf: str) -> dict[str, Any]:
    return {"slurm": {"conf": conf}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ClusterName=x", "clustername"),
        ("slurmctldhost = a(10.0.0.1)", "slurmctldhost"),
        ("SlurmctldPort=7000", "slurmctldport"),
        ("AuthType=auth/slurm", "authtype"),
        ("Include /etc/other.conf", "include"),
        ("SlurmctldParameters=idle_on_node_suspend", "enable_configless"),
        ("SelectType=select/linear", "select/cons_tres"),
        ("A=\x07", "no text"),
        ("A=\U0001f600", "no text"),
    ],
)
def test_what_the_cluster_cannot_do_without_is_refused_with_its_line(line: str, words: str) -> None:
    (finding,) = settings.faults(f"# mine\n\n{line}\n")
    assert finding.where == "slurm.conf" and words in finding.problem
    assert "line 3" in finding.problem or "no text" in words


@pytest.mark.parametrize(
    "line",
    [
        "SlurmdTimeout=77",
        "SlurmctldParameters=enable_configless,x",
        "# ClusterName=x",
        "NodeSet=a Feature=b",
    ],
)
def test_anything_else_is_left_to_slurmctld(line: str) -> None:
    assert settings.faults(line) == []


SAID = [
    (
        "# mine\nFoo=1\n",
        "slurmctld: error: SlurmdTimeout 1 specified more than once, latest value used\n"
        "slurmctld: error: _parse_next_key: Parsing error at unrecognized key: Foo\n"
        "slurmctld: fatal: Unable to process configuration file\n",
        "line 2 (Foo=1): _parse_next_key: Parsing error at unrecognized key: Foo",
    ),
    (
        "\nhello there\n",
        'slurmctld: error: Parse error in file /etc/slurm/slurm.conf line 5: "hello there"\n'
        "slurmctld: fatal: Unable to process configuration file\n",
        "line 2 (hello there): parse error",
    ),
    (
        "SlurmdTimeout=abc\n",
        'slurmctld: error: SlurmdTimeout value "abc" is not a valid number\n'
        "slurmctld: fatal: Unable to process configuration file\n",
        'line 1 (SlurmdTimeout=abc): SlurmdTimeout value "abc" is not a valid number',
    ),
    (
        "PriorityType=priority/nope\n",
        "slurmctld: error: Configured MailProg is invalid\n"
        "slurmctld: error: cannot find priority plugin for priority/nope\n"
        "slurmctld: fatal: failed to initialize priority plugin\n",
        "line 1 (PriorityType=priority/nope): cannot find priority plugin",
    ),
    (
        "SlurmdTimeout=9\nPartitionName=all Nodes=ALL\n",
        "slurmctld: slurmctld version 24.11.5 started on cluster demo(0)\n"
        "slurmctld: fatal: _build_single_partitionline_info: duplicate entry for partition all\n",
        "line 2 (PartitionName=all Nodes=ALL)",
    ),
    ("Foo=1\n", "", "it: it ended"),
]
"""What slurmctld 24.11.5 printed over such files, after three lines of ours."""


@pytest.mark.parametrize(("conf", "said", "words"), SAID)
def test_what_slurmctld_says_is_told_with_the_users_line(conf: str, said: str, words: str) -> None:
    whole = f"A=1\nB=2\n# The rest\n{conf}"
    (finding,) = settings.judged(conf, whole, said)
    assert words in finding.problem and "MailProg" not in finding.problem


def test_nothing_is_created_where_slurmctld_does_not_take_them(world: World) -> None:
    world.cloud.rehearsed = (1, SAID[0][1])
    with pytest.raises(SpecError, match="line 2"):
        world.up(**spec("# mine\nFoo=1\n"))
    assert not world.cloud.there and "apply" not in world.cloud.calls


def test_where_no_slurmctld_is_at_hand_it_is_said_that_nobody_has_checked(world: World) -> None:
    world.up(**spec("SlurmdTimeout=77\n"))
    said = [event.text for event in world.events if isinstance(event, Warned)]
    assert any("were not checked" in text for text in said)


def test_settings_that_slurmctld_takes_are_on_the_controller_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cloud.rehearsed = (0, "")
    apply, texts = world.cloud.apply, dict[str, str]()

    def watched(launch: Launch, emit: Emit) -> Mapping[str, str]:
        texts.update(launch.user_data)
        return apply(launch, emit)

    monkeypatch.setattr(world.cloud, "apply", watched)
    assert world.up(**spec("SlurmdTimeout=77\n")).exit_code == 0
    assert not [event for event in world.events if isinstance(event, Warned)]
    assert world.cloud.calls.count("rehearse") == 1
    ours, theirs = (texts["controller"].rindex(f"SlurmdTimeout={number}") for number in (300, 77))
    assert theirs > ours, "slurmctld takes the last"
    assert "SlurmdTimeout" not in texts["worker"]


def test_nobody_tries_anything_where_the_spec_adds_nothing(world: World) -> None:
    world.up()
    assert "rehearse" not in world.cloud.calls
