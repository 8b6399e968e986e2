"""Clients nobody here wrote, pointed at an endpoint and otherwise as they come."""

from typing import Any, TypeVar

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1

Client = TypeVar("Client")

OPERATIONS = {
    "zone_operations": compute_v1.ZoneOperationsClient,
    "region_operations": compute_v1.RegionOperationsClient,
    "global_operations": compute_v1.GlobalOperationsClient,
}


def google(kind: type[Client], endpoint: str) -> Client:
    """A client of google-cloud-compute. Its own polling would leave the endpoint: that is mended here."""
    maker: Any = kind
    options = ClientOptions(api_endpoint=endpoint)
    made = maker(credentials=AnonymousCredentials(), client_options=options, transport="rest")
    operations = getattr(made.transport, "_extended_operations_services", None)
    if operations is not None:
        for name, service in OPERATIONS.items():
            operations[name] = service(credentials=AnonymousCredentials(), client_options=options)
    client: Client = made
    return client


def discovery(endpoint: str) -> Any:
    """The discovery client of google-api-python-client."""
    from googleapiclient.discovery import build

    return build(
        "compute", "v1", credentials=AnonymousCredentials(), static_discovery=True,
        cache_discovery=False, client_options=ClientOptions(api_endpoint=f"{endpoint}/compute/v1/"),
    )  # fmt: skip


IMAGE = "projects/debian-cloud/global/images/family/debian-12"


def properties(machine_type: str = "n2-standard-4", **more: Any) -> compute_v1.InstanceProperties:
    """What VMs of tests are made from."""
    disk = compute_v1.AttachedDisk(
        boot=True, auto_delete=True,
        initialize_params=compute_v1.AttachedDiskInitializeParams(source_image=IMAGE),
    )  # fmt: skip
    return compute_v1.InstanceProperties(
        machine_type=machine_type, disks=[disk],
        network_interfaces=[compute_v1.NetworkInterface(network="global/networks/default")], **more,
    )  # fmt: skip
