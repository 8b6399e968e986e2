"""``compute.regionInstanceGroupManagers.*``: the zonal methods over a region's zones."""

from provision.emulator.gce.responses.instance_group_managers import (
    abandon_instances,
    apply_updates_to_instances,
    create_instances,
    delete,
    delete_instances,
    get,
    insert,
    list_,
    list_errors,
    list_managed_instances,
    patch,
    recreate_instances,
    resize,
    set_instance_template,
)

__all__ = [
    "abandon_instances",
    "apply_updates_to_instances",
    "create_instances",
    "delete",
    "delete_instances",
    "get",
    "insert",
    "list_",
    "list_errors",
    "list_managed_instances",
    "patch",
    "recreate_instances",
    "resize",
    "set_instance_template",
]
