"""Reserved addresses: external ones of a region or global, internal ones of a subnetwork."""

from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models.subnetworks import Subnetwork
from provision.emulator.gce.world import Document, Project, last


def occupy(
    cloud: Cloud, project: Project, region: str, ip: str, in_use: bool, user: str = ""
) -> None:
    """A reserved external address is taken by a VM, or free again. Raises ApiError."""
    for address in project.table("addresses").rows(f"regions/{region}").values():
        if address.data["address"] != ip:
            continue
        if in_use and address.data["status"] == "IN_USE":
            raise errors.invalid(
                "resource.networkInterfaces[0].accessConfigs[0].natIP", ip,
                "The specified external IP address is already in use.",
            )  # fmt: skip
        _mark(address, in_use, user)
        return
    if in_use:
        raise errors.invalid(
            "resource.networkInterfaces[0].accessConfigs[0].natIP", ip,
            "The specified external IP address was not found in the region.",
        )  # fmt: skip


def occupy_internal(project: Project, found: Subnetwork, ip: str, user: str = "") -> None:
    """A static address of a subnetwork is taken by the VM with that link, or free again without one."""
    if not found.is_reserved(ip):
        return
    for address in project.table("addresses").rows(f"regions/{found.region}").values():
        if address.data["address"] == ip and last(address.data.get("subnetwork", "")) == found.name:
            _mark(address, bool(user), user)


def _mark(address: Document, in_use: bool, user: str) -> None:
    address.data["status"] = "IN_USE" if in_use else "RESERVED"
    if in_use and user:
        address.data["users"] = [user]
    else:
        address.data.pop("users", None)
