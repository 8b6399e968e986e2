"""What another run has made with other keys is neither adopted nor removed."""

import threading
from pathlib import Path

import pytest

from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import kinds
from provision.clouds.gce.settings import resolve
from provision.errors import RefusedError
from provision.labels import KEYS, RUN
from provision.plan import plan_of
from provision.provider.resource import Work
from tests.emulator.conftest import Gce as Emulated
from tests.emulator.stack import SECONDS, declared, located, spec_of


def test_the_keys_that_made_the_network_have_the_name(gce: Emulated, nobody: None) -> None:
    where = {"PROVISION_GCE_ENDPOINT": gce.endpoint}
    with Gce(resolve(where, Path("/nowhere"), project="p", region="us-central1")) as client:
        plan = plan_of(spec_of(gce, "p", 1))
        by_token = {kind.token: kind for kind in kinds(client)}
        for token, inputs in declared(plan, located(client, plan)):
            work = Work.within(SECONDS, threading.Event())
            ours = {**inputs, "marks": {**inputs["marks"], KEYS: "winner", RUN: "r1"}}
            theirs = {**inputs, "marks": {**inputs["marks"], KEYS: "loser"}}
            if "labels" in inputs:
                for one, keys in ((ours, "winner"), (theirs, "loser")):
                    one["labels"] = {**inputs["labels"], KEYS: keys}
            kind = by_token[token]
            made = kind.create(ours, work)
            assert kind.create(ours, work).ident == made.ident, "one's own is adopted"
            assert kind.find(ours) == made.ident
            assert kind.find(theirs) is None, "else a killed loser would remove it"
            with pytest.raises(RefusedError, match=r"other keys has the name q.*run r1"):
                kind.create(theirs, work)
