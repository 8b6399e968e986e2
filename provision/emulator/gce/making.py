"""An emulator made ready: its world, its first dials, and what boots behind its VMs."""

from collections.abc import Sequence
from functools import partial

from provision.emulator.agenda import Agenda
from provision.emulator.emulator import Emulator, Kind
from provision.emulator.exchange import Exchange
from provision.emulator.gce import batch, signin, urls
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials, turned
from provision.emulator.gce.environment import prepared
from provision.emulator.gce.frame import Frame
from provision.emulator.gce.models import images, networks
from provision.emulator.gce.world import World
from provision.emulator.machines import Machines

GOOGLE = "https://www.googleapis.com/compute/v1/"
"""What the links in Google's answers begin with, also those of a regional or private endpoint."""


def emulator(
    base: str,
    machines: Machines,
    dials: Dials,
    accounts: Sequence[str] = (),
    *,
    links: str = "",
) -> Emulator:
    """An emulator that answers at ``base`` (``http://127.0.0.1:8080``).

    ``links`` in its answers begin as Google's do, whatever the endpoint (``google``), or with ``base``
    (``own``). ``accounts`` are the projects that exist; without any, every well-formed name does.
    """
    begin = GOOGLE if links in ("", "google") else f"{base}/compute/v1/"
    world = World(begin, Agenda(), dials.seed)
    cloud = Cloud(world, machines, dials)
    world.born += [partial(images.furnish, cloud), partial(networks.furnish, cloud)]
    return Emulator(
        "gce",
        cloud,
        Exchange(Frame(cloud, urls.load(), accounts), cloud.faults),
        cloud.vms,
        url=f"{base}/compute/v1/",
        paths=["/compute/{path:path}"],
        routes=[*batch.routes(), *signin.routes()],
    )


GCE = Kind(Dials(), turned, emulator, prepared)
