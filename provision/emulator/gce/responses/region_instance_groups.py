"""``compute.regionInstanceGroups.*``: the plain group behind each regional managed one."""

from provision.emulator.gce.responses.instance_groups import (
    get,
    list_,
    list_instances,
    set_named_ports,
)

__all__ = ["get", "list_", "list_instances", "set_named_ports"]
