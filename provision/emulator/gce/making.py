"""An emulator made ready: its world, its first dials, and what boots behind its VMs."""

from collections.abc import Sequence
from functools import partial

from provision.emulator.agenda import Agenda
from provision.emulator.dials import Dials
from provision.emulator.emulator import Emulator
from provision.emulator.exchange import Exchange
from provision.emulator.gce import batch, signin, urls
from provision.emulator.gce.cloud import Cloud
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
    projects: Sequence[str] = (),
    agenda: Agenda | None = None,
    links: str = "google",
) -> Emulator:
    """An emulator that answers at ``base`` (``http://127.0.0.1:8080``).

    ``links`` in its answers begin as Google's do, whatever the endpoint (``google``), or with ``base``
    (``own``). ``projects`` are those that exist; without any, every well-formed name does.
    """
    begin = GOOGLE if links == "google" else f"{base}/compute/v1/"
    world = World(begin, agenda or Agenda(), dials.seed)
    cloud = Cloud(world, machines, dials)
    world.born += [partial(images.furnish, cloud), partial(networks.furnish, cloud)]
    return Emulator(
        cloud,
        Exchange(Frame(cloud, urls.load(), projects), cloud.faults),
        url=f"{base}/compute/v1/",
        paths=["/compute/{path:path}"],
        routes=[*batch.routes(), *signin.routes()],
    )
