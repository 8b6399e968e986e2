"""``compute.regionOperations.*``."""

from provision.emulator.gce.responses.operations import delete, get, list_, wait

__all__ = ["delete", "get", "list_", "wait"]
