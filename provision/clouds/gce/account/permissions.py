"""Whether the caller may do what a cluster takes, asked before anything is created.

Only Cloud Resource Manager tells that without trying (cloud.google.com/resource-manager/reference/rest,
``projects.testIamPermissions``; it needs no permission itself). It is another API than Compute Engine,
and a project need not have enabled it: then the permissions stay unchecked, which is told.
"""

from collections.abc import Callable
from typing import Any

from provision.clouds.gce.place import Place
from provision.clouds.gce.settings import Settings
from provision.errors import Finding
from provision.events import Emit, Noted
from provision.failures import ServiceFailure, one_line
from provision.names import few

ADDRESS = "https://cloudresourcemanager.googleapis.com/v1/projects/{project}:testIamPermissions"
SECONDS = 20.0
"""Seconds for its one answer."""

NEEDED = (
    "compute.addresses.createInternal", "compute.addresses.deleteInternal", "compute.addresses.get",
    "compute.addresses.list", "compute.addresses.useInternal",
    "compute.disks.create", "compute.disks.delete", "compute.disks.list", "compute.disks.setLabels",
    "compute.diskTypes.get",
    "compute.firewalls.create", "compute.firewalls.delete", "compute.firewalls.get",
    "compute.firewalls.list", "compute.firewalls.update",
    "compute.globalOperations.get",
    "compute.instanceGroupManagers.create", "compute.instanceGroupManagers.delete",
    "compute.instanceGroupManagers.get", "compute.instanceGroupManagers.list",
    "compute.instanceGroupManagers.update", "compute.instanceGroupManagers.use",
    "compute.instanceGroups.create", "compute.instanceGroups.delete",
    "compute.instances.create", "compute.instances.delete", "compute.instances.get",
    "compute.instances.getSerialPortOutput", "compute.instances.list", "compute.instances.setLabels",
    "compute.instances.setMetadata", "compute.instances.setTags",
    "compute.instanceTemplates.create", "compute.instanceTemplates.delete",
    "compute.instanceTemplates.get", "compute.instanceTemplates.list",
    "compute.instanceTemplates.useReadOnly",
    "compute.machineTypes.get", "compute.machineTypes.list",
    "compute.networks.create", "compute.networks.delete", "compute.networks.get",
    "compute.networks.list", "compute.networks.updatePolicy",
    "compute.projects.get", "compute.regionOperations.get", "compute.regions.get",
    "compute.subnetworks.create", "compute.subnetworks.delete", "compute.subnetworks.get",
    "compute.subnetworks.list", "compute.subnetworks.use", "compute.subnetworks.useExternalIp",
    "compute.zoneOperations.get",
)  # fmt: skip
"""The least that bringing a cluster up, looking after it and taking it down needs."""
NAT = ("compute.routers.create", "compute.routers.delete", "compute.routers.get",
       "compute.routers.list")  # fmt: skip
OWN_IMAGE = ("compute.images.get", "compute.images.getFromFamily", "compute.images.useReadOnly")
Post = Callable[..., Any]
"""``requests``' own: an address and ``json`` to an answer with ``status_code`` and ``json()``."""


def needed(place: Place) -> list[str]:
    """The permissions on the project that a cluster at that place takes."""
    own = place.image.startswith(f"projects/{place.project}/")
    return [*NEEDED, *(NAT if place.nat else ()), *(OWN_IMAGE if own else ())]


def findings(
    settings: Settings, place: Place, emit: Emit, post: Post | None = None
) -> list[Finding]:
    """The permissions that are missing. ``post`` is for tests."""
    if settings.endpoint:
        return []  # an emulator knows no permissions
    wanted = needed(place)
    address = ADDRESS.format(project=place.project)
    try:
        answer = (post or _post(settings))(address, json={"permissions": wanted}, timeout=SECONDS)
        content = answer.json()
    except ServiceFailure as failure:
        return _unchecked(emit, failure.said.words)
    except ValueError:
        return _unchecked(emit, "what answered is not Google, perhaps a proxy")
    if answer.status_code != 200:
        return _unchecked(
            emit, one_line(content.get("error", {}).get("message", "no reason given"))
        )
    held = content.get("permissions", [])
    missing = [permission for permission in wanted if permission not in held]
    if not missing:
        return []
    word = "permission is" if len(missing) == 1 else "permissions are"
    return [
        Finding(
            f"permissions on {place.project}",
            f"{len(missing)} {word} missing: {few(missing)}",
            "ask the project's owner for a role with them (roles/compute.admin), or use another account",
        )
    ]


def _unchecked(emit: Emit, why: str) -> list[Finding]:
    emit(Noted(text=f"permissions were not checked ({why})"))
    return []


def _post(settings: Settings) -> Post:
    """Signed with the credentials that everything else is signed with; errors are ours."""
    from google.auth.transport.requests import AuthorizedSession

    from provision.clouds.gce.api.signin import credentials_of
    from provision.clouds.gce.api.translate import translated

    session = AuthorizedSession(credentials_of(settings))

    def post(address: str, **more: Any) -> Any:
        with translated("ask for permissions"):
            return session.post(address, **more)

    return post
