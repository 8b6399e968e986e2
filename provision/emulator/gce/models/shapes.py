"""How VMs and what hangs on them look in Google's JSON."""

from typing import TYPE_CHECKING

from provision.emulator.gce.models import gpus, images, metadata
from provision.emulator.gce.world import Json, fingerprint

if TYPE_CHECKING:  # shapes draw what instances hold; at run time the need is one way only
    from provision.emulator.gce.models.instances import Instance
    from provision.emulator.gce.models.placing import Nic

DEFAULT_ACCOUNT_SUFFIX = "-compute@developer.gserviceaccount.com"
GIVEN = (
    "description",
    "canIpForward",
    "minCpuPlatform",
    "reservationAffinity",
    "resourcePolicies",
    "advancedMachineFeatures",
    "confidentialInstanceConfig",
    "networkPerformanceConfig",
    "serviceAccounts",
    "keyRevocationActionType",
)
"""Fields of ``InstanceProperties`` that an instance shows as they were given."""
SHIELD = {"enableSecureBoot": False, "enableVtpm": True, "enableIntegrityMonitoring": True}
"""Defaults where the boot image has UEFI (…/compute/shielded-vm/docs/shielded-vm)."""
PLATFORMS = {
    "a2": "Intel Cascade Lake", "a3": "Intel Sapphire Rapids", "c2": "Intel Cascade Lake",
    "c2d": "AMD Milan", "c3": "Intel Sapphire Rapids", "c3d": "AMD Genoa",
    "c4": "Intel Emerald Rapids", "c4a": "Google Axion", "c4d": "AMD Turin",
    "g2": "Intel Cascade Lake", "h3": "Intel Sapphire Rapids", "m1": "Intel Skylake",
    "m2": "Intel Cascade Lake", "m3": "Intel Ice Lake", "n2": "Intel Cascade Lake",
    "n2d": "AMD Rome", "n4": "Intel Emerald Rapids", "t2a": "Ampere Altra", "t2d": "AMD Milan",
    "z3": "Intel Sapphire Rapids",
}  # fmt: skip
"""One of each family's (…/compute/docs/cpu-platforms); the rest run on several."""
UEFI = {"type": "UEFI_COMPATIBLE"}
HEEDED = {
    "block-project-ssh-keys": "blockProjectSshKeysMetadataValue",
    "enable-guest-attributes": "enableGuestAttributesMetadataValue",
    "enable-os-inventory": "enableOsInventoryMetadataValue",
    "enable-osconfig": "enableOsconfigMetadataValue",
    "enable-oslogin": "enableOsloginMetadataValue",
    "gce-container-declaration": "gceContainerDeclarationMetadataValue",
    "serial-port-enable": "serialPortEnableMetadataValue",
    "serial-port-logging-enable": "serialPortLoggingEnableMetadataValue",
}
"""Keys with their fields (document, ``ResourceStatusEffectiveInstanceMetadata``)."""
UNHEEDED = dict.fromkeys(HEEDED.values(), False)
"""What nearly every VM shows of them."""
SEVERAL = "Intel Broadwell"


def instance(vm: "Instance") -> Json:
    """A whole ``compute#instance``."""
    world, source = vm.cloud.world, vm.blueprint.source
    project, scope = vm.project.name, vm.scope
    labels, tags = vm.own_labels(), vm.own_tags()
    shown: Json = {
        "kind": "compute#instance",
        "id": vm.ident,
        "creationTimestamp": world.stamp(vm.created),
        "name": vm.name,
        "tags": {"fingerprint": fingerprint(tags), **({"items": tags} if tags else {})},
        "machineType": world.link(project, scope, "machineTypes", vm.place.machine_type),
        "status": vm.status,
        "zone": world.link(project, scope),
        "canIpForward": False,
        "networkInterfaces": [interface(vm, index, nic) for index, nic in enumerate(vm.place.nics)],
        "disks": disks(vm),
        "metadata": metadata.shown(vm.own_items()),
        "selfLink": vm.link,
        "scheduling": vm.blueprint.scheduling,
        "cpuPlatform": source.get("minCpuPlatform")
        or PLATFORMS.get(vm.blueprint.kind.family, SEVERAL),
        "labelFingerprint": fingerprint("global", sorted(labels.items())),
        "startRestricted": False,
        "deletionProtection": vm.protected,
        "fingerprint": fingerprint(vm.ident, vm.life, labels, tags),
        "lastStartTimestamp": world.stamp(vm.started or vm.created),
    }
    if labels:
        shown["labels"] = labels
    if vm.hostname:
        shown["hostname"] = vm.hostname
    if vm.status_message:
        shown["statusMessage"] = vm.status_message
    if vm.stopped:
        shown["lastStopTimestamp"] = world.stamp(vm.stopped)
    attached = gpus.shown(
        lambda name: world.link(project, scope, "acceleratorTypes", name), vm.blueprint.kind, source
    )
    if attached:
        shown["guestAccelerators"] = attached
    shown |= shield(vm)
    ending = {"terminationTimestamp": world.stamp(vm.due.due)} if vm.due else {}
    shown["resourceStatus"] = {
        "scheduling": ending,
        "effectiveInstanceMetadata": effective(vm),
    }
    shown.update((field, source[field]) for field in GIVEN if field in source)
    return shown


def shield(vm: "Instance") -> Json:
    """What a Shielded VM shows, {} for one whose boot image has no UEFI and that asks for nothing."""
    given = vm.blueprint.source.get("shieldedInstanceConfig")
    boot = next((disk.image for disk, _ in vm.place.disks if disk is not None), {})
    if given is None and UEFI not in boot.get("guestOsFeatures", ()):
        return {}
    return {
        "shieldedInstanceConfig": SHIELD | (given or {}),
        "shieldedInstanceIntegrityPolicy": {"updateAutoLearnPolicy": True},
    }


def effective(vm: "Instance") -> Json:
    """Metadata that Compute itself heeds, as it holds for this VM: its own items over the project's."""
    items = vm.own_items()
    if vm.project.metadata:
        items = {i["key"]: i.get("value", "") for i in vm.project.metadata} | items
    if HEEDED.keys().isdisjoint(items):
        return UNHEEDED
    return {
        field: items.get(key, "").upper() in ("TRUE", "1", "Y", "YES")
        for key, field in HEEDED.items()
    }


def interface(vm: "Instance", index: int, nic: "Nic") -> Json:
    """One ``networkInterface``."""
    given = vm.blueprint.interfaces[index]
    base = vm.cloud.world.base
    shown: Json = {
        "kind": "compute#networkInterface",
        "name": f"nic{index}",
        "network": nic.subnetwork.network,
        "subnetwork": base + nic.subnetwork.path,
        "networkIP": nic.address,
        "stackType": "IPV4_ONLY",
        "fingerprint": fingerprint(nic.address, nic.external),
    }
    for field in ("nicType", "aliasIpRanges", "queueCount"):
        if field in given:
            shown[field] = given[field]
    if nic.external:
        access = (given.get("accessConfigs") or [{}])[0]
        shown["accessConfigs"] = [
            {
                "kind": "compute#accessConfig",
                "type": "ONE_TO_ONE_NAT",
                "name": access.get("name", "External NAT"),
                "natIP": nic.external,
                "networkTier": access.get("networkTier", "PREMIUM"),
            }
        ]
    return shown


def disks(vm: "Instance") -> list[Json]:
    """``disks``: what is attached, in order."""
    result = []
    for index, (disk, given) in enumerate(vm.place.disks):
        shown: Json = {
            "kind": "compute#attachedDisk",
            "type": given.get("type", "PERSISTENT"),
            "mode": given.get("mode", "READ_WRITE"),
            "deviceName": given.get("deviceName") or f"persistent-disk-{index}",
            "index": index,
            "boot": bool(given.get("boot", False)),
            "autoDelete": bool(given.get("autoDelete", False)),
            "interface": given.get("interface", "SCSI"),
        }
        if disk is not None:
            shown["source"] = vm.cloud.world.link(vm.project.name, vm.scope, "disks", disk.name)
            shown["diskSizeGb"] = str(disk.size_gb)
            shown |= images.shown_on_disks(disk.image)
        else:
            shown["diskSizeGb"] = "375"
        result.append(shown)
    return result
