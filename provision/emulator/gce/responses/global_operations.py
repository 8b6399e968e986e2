"""``compute.globalOperations.*``."""

from provision.emulator.gce.responses.operations import aggregated_list, delete, get, list_, wait

__all__ = ["aggregated_list", "delete", "get", "list_", "wait"]
