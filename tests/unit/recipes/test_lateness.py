"""Who of the wanted nodes is late or hopeless, by what is known of them alone."""

from dataclasses import replace

from provision.cloud import GroupState, Machine, Phase
from provision.failures import Cause
from provision.plan import plan_of
from provision.recipes.lateness import JoiningNode, Roster, hopeless
from provision.spec.models import Spec

STOCK = GroupState("t-a", "a", 2, 1, failures={Cause.STOCK_OUT: 1}, words="no room")
QUOTA = GroupState("t-b", "b", 2, 1, failures={Cause.QUOTA: 1}, words="no quota")


def missing(*names: str) -> list[JoiningNode]:
    return [JoiningNode(name, name.split("-")[1]) for name in names]


def test_nothing_is_hopeless_while_one_group_that_is_behind_may_go_on() -> None:
    nodes = missing("t-a-0002", "t-b-0002")
    assert hopeless(nodes, [STOCK, replace(QUOTA, failures={Cause.OTHER: 1})]) == {}
    assert hopeless(nodes, [replace(STOCK, failures={Cause.OTHER: 1}), QUOTA]) == {}
    assert hopeless(nodes, [STOCK, QUOTA]) == {"t-a-0002": "no room", "t-b-0002": "no quota"}


def test_a_group_that_has_made_all_keeps_nobody_from_giving_up() -> None:
    nodes = missing("t-a-0002", "t-b-0002")
    done = replace(QUOTA, created=2, failures={Cause.OTHER: 1})
    assert hopeless(nodes, [STOCK, done]) == {"t-a-0002": "no room"}


def test_every_part_of_a_large_group_counts() -> None:
    nodes = missing("t-a-0002", "t-a-s2-0002")
    second = replace(STOCK, name="t-a-s2", words="no address")
    assert hopeless(nodes, [replace(STOCK, failures={Cause.OTHER: 1}), second]) == {}
    assert hopeless(nodes, [replace(STOCK, created=2), second]) == {"t-a-s2-0002": "no address"}
    assert hopeless(nodes, [STOCK, second]) == {
        "t-a-0002": "no room",
        "t-a-s2-0002": "no address",
    }


def machine(ident: str, started: float, phase: Phase = Phase.STARTED) -> Machine:
    return Machine("t-w-0001", "t", "worker", "w", "", phase, 0, 90, started, {}, ident=ident)


def test_the_old_machine_of_a_replaced_node_counts_no_more() -> None:
    roster = Roster(plan_of(Spec.model_validate({"name": "t", "groups": {"w": {"nodes": 1}}})))
    node = roster.nodes["t-w-0001"]
    roster.note([machine("old", 100)])
    node.anew(200)
    roster.note([machine("old", 100, Phase.STOPPED)])
    assert (node.phase, node.clock.started, node.clock.requested) == ("requested", None, 200)
    roster.note([machine("new", 230)])
    assert (node.phase, node.clock.started) == (Phase.STARTED, 230)
    roster.note([machine("new", 230, Phase.STOPPED)])
    assert node.phase == Phase.STOPPED, "the new one counts however often it is seen"
