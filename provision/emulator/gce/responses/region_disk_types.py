"""``compute.regionDiskTypes.*``."""

from provision.emulator.gce.responses.disk_types import get, list_

__all__ = ["get", "list_"]
