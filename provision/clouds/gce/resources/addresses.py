"""The controller's address inside the cluster, reserved before any instance group allocates one.

https://docs.cloud.google.com/vpc/docs/reserve-static-internal-ip-address: a reserved address is out of
the pool that machines get theirs from; reserving one that a machine has makes it static and leaves it
to that machine.
"""

from typing import Any

from tenacity import Retrying, retry_if_result, wait_fixed

from provision.clouds.gce.resources.groups import Group
from provision.clouds.gce.resources.instances import instances
from provision.clouds.gce.resources.kind import Body, GceKind, as_text, last, short
from provision.clouds.gce.resources.networks import NAMED
from provision.errors import CloudFailure
from provision.labels import CLUSTER, CONTROLLER, ROLE
from provision.names import part_of
from provision.provider.resource import Created, Inputs, Work

LOOK = 1.0
"""Seconds between two looks whether the address is free."""


class Address(GceKind):
    """A static internal address. Inputs: ``subnetwork`` (a link) and ``address`` (IPv4 text)."""

    token = "provision:gce:Address"
    noun, collection, client, argument = "address", "addresses", "AddressesClient", "address"
    replace_on = NAMED | {"subnetwork", "address"}

    def body(self, inputs: Inputs) -> Body:
        """That one, for a VM's interface."""
        return {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "address_type": "INTERNAL",
            "subnetwork": inputs["subnetwork"],
            "address": inputs["address"],
        }

    def seen(self, found: Any) -> dict[str, Any]:
        """Where it lies, and which it is."""
        return {"subnetwork": short(found.subnetwork), "address": found.address}

    def create(self, inputs: Inputs, work: Work) -> Created:
        """Reserve it, and take it from a worker that has it: clusters of before this was reserved."""
        made = super().create(inputs, work)
        found = self.get(made.ident)
        if found is not None and found.users:
            self._free(made.ident, inputs, work)
        return made

    def _free(self, ident: str, inputs: Inputs, work: Work) -> None:
        """The worker's group makes another in its place."""
        for vm in instances(self.gce, inputs["marks"][CLUSTER]):
            addresses = [each.get("networkIP") for each in vm.get("networkInterfaces", [])]
            if inputs["address"] not in addresses or vm["labels"].get(ROLE) == CONTROLLER:
                continue
            group = Group(self.gce)
            group.recreate(
                group.ident({**inputs, "name": part_of(vm["name"])}),
                [short(vm["selfLink"])], work,
            )  # fmt: skip
            self._wait(ident, inputs, last(vm["selfLink"]), work)

    def _wait(self, ident: str, inputs: Inputs, holder: str, work: Work) -> None:
        def taken() -> bool:
            found = self.get(ident)
            return found is not None and any(last(user) == holder for user in found.users)

        def pause(seconds: float) -> None:
            work.stopping.wait(seconds)

        still = Retrying(
            retry=retry_if_result(bool), wait=wait_fixed(LOOK), sleep=pause,
            stop=lambda _: work.left <= 0 or work.stopping.is_set(),
            retry_error_callback=lambda _: True,
        )(taken)  # fmt: skip
        if still:
            raise CloudFailure(
                f"the worker {holder} still has the controller's address {inputs['address']}",
                "run the same command again to go on waiting for its group to make it anew",
            )
