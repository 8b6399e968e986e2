"""``compute.regionInstances.*``: VMs anywhere in a region."""

from provision.emulator.gce.call import Call
from provision.emulator.gce.models import bulk
from provision.emulator.gce.operations import Operation


def bulk_insert(call: Call) -> Operation:
    """Create many in the zones of a region."""
    return bulk.start(call, call.cloud.catalogue.regions[call.path["region"]].zones)
