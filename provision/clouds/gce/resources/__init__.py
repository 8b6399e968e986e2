"""What a cluster is made of on GCE: one class per kind, each a resource of our Pulumi provider.

The classes are what the stack's program (``stacks/gce``) declares, what ``down`` removes where the
state is lost, and what ``list`` finds clusters by.
"""

from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources.addresses import Address
from provision.clouds.gce.resources.groups import Group
from provision.clouds.gce.resources.instances import Controller, Template
from provision.clouds.gce.resources.kind import GceKind
from provision.clouds.gce.resources.networks import Firewall, Network, Router, Subnetwork

__all__ = [
    "Address",
    "Controller",
    "Firewall",
    "GceKind",
    "Group",
    "Network",
    "Router",
    "Subnetwork",
    "Template",
]  # fmt: skip

RANKS: tuple[tuple[type[GceKind], ...], ...] = (
    (Group, Controller),
    (Template, Firewall, Router),
    (Address,),
    (Subnetwork,),
    (Network,),
)
"""In which order they can be removed: what stands in one row needs nothing of the others in it."""


def kinds(gce: Gce) -> list[GceKind]:
    """One of each kind, as the provider's registry wants them."""
    return [kind(gce) for rank in RANKS for kind in rank]


def noun(token: str) -> str:
    """What people call a kind of resource: ``provision:gce:Firewall`` is a firewall rule."""
    nouns = {kind.token: kind.noun for rank in RANKS for kind in rank}
    return nouns.get(token, token.rpartition(":")[2])
