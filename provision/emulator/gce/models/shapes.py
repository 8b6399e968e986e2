"""How VMs and what hangs on them look in Google's JSON."""

from provision.emulator.gce.models import gpus, images, metadata
from provision.emulator.gce.models.disks import SCRATCH_GB
from provision.emulator.gce.models.instance_record import InstanceRecord
from provision.emulator.gce.models.placing import Nic
from provision.emulator.gce.world import GLOBAL, Json, fingerprint

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


def instance(vm: InstanceRecord) -> Json:
    """A whole ``compute#instance``; not to be changed by who asks, because VMs share parts of it."""
    world = vm.cloud.world
    labels, tags = vm.own_labels(), vm.own_tags()
    labelled, tagged = label_print(vm), tag_print(vm)
    shown: Json = {
        "kind": "compute#instance",
        "id": vm.ident,
        "creationTimestamp": world.stamp(vm.created),
        "name": vm.name,
        **alike(vm),
        "tags": {"fingerprint": tagged, "items": tags} if tags else {"fingerprint": tagged},
        "status": vm.status,
        "networkInterfaces": [interface(vm, index, nic) for index, nic in enumerate(vm.place.nics)],
        "disks": [disk(vm, index) for index in range(len(vm.place.disks))],
        "metadata": metadata_of(vm),
        "selfLink": vm.link,
        "labelFingerprint": labelled,
        "deletionProtection": vm.protected,
        "fingerprint": fingerprint(vm.ident, vm.life, labelled, tagged),
        "lastStartTimestamp": world.stamp(vm.started or vm.created),
        "resourceStatus": {
            "scheduling": {"terminationTimestamp": world.stamp(vm.due.due)} if vm.due else {},
            "effectiveInstanceMetadata": effective(vm),
        },
    }
    if labels:
        shown["labels"] = labels
    if vm.hostname:
        shown["hostname"] = vm.hostname
    if vm.status_message:
        shown["statusMessage"] = vm.status_message
    if vm.stopped:
        shown["lastStopTimestamp"] = world.stamp(vm.stopped)
    return shown


def alike(vm: InstanceRecord) -> Json:
    """What all VMs of one blueprint and boot image show alike where they stand: drawn once for all."""
    boot: Json = next((disk.image for disk, _ in vm.place.disks if disk is not None), {})
    key = ("alike", vm.project.name, vm.zone, vm.place.machine_type, boot.get("id", ""))
    uefi = UEFI in boot.get("guestOsFeatures", ())
    return vm.blueprint.once(key, lambda: _alike(vm, uefi))


def _alike(vm: InstanceRecord, uefi: bool) -> Json:
    world, source, kind = vm.cloud.world, vm.blueprint.source, vm.blueprint.kind
    project, scope = vm.project.name, vm.scope
    shown: Json = {
        "machineType": world.link(project, scope, "machineTypes", vm.place.machine_type),
        "zone": world.link(project, scope),
        "canIpForward": False,
        "scheduling": vm.blueprint.scheduling,
        "cpuPlatform": source.get("minCpuPlatform") or PLATFORMS.get(kind.family, SEVERAL),
        "startRestricted": False,
    }
    attached = gpus.shown(
        lambda name: world.link(project, scope, "acceleratorTypes", name), kind, source
    )
    if attached:
        shown["guestAccelerators"] = attached
    given = source.get("shieldedInstanceConfig")
    if given is not None or uefi:
        shown["shieldedInstanceConfig"] = SHIELD | (given or {})
        shown["shieldedInstanceIntegrityPolicy"] = {"updateAutoLearnPolicy": True}
    shown.update((field, source[field]) for field in GIVEN if field in source)
    return shown


def label_print(vm: InstanceRecord) -> str:
    """Fingerprint of its labels."""

    def drawn() -> str:
        return fingerprint(GLOBAL, sorted(vm.own_labels().items()))

    return drawn() if vm.labels is not None else vm.blueprint.once(("labels",), drawn)


def tag_print(vm: InstanceRecord) -> str:
    """Fingerprint of its network tags."""

    def drawn() -> str:
        return fingerprint(vm.own_tags())

    return drawn() if vm.tags is not None else vm.blueprint.once(("tags",), drawn)


def metadata_of(vm: InstanceRecord) -> Json:
    """Its ``metadata``: drawn once for all VMs of one group, or of one request, that have kept theirs."""
    if vm.items is not None:
        return metadata.shown(vm.items)
    key = ("metadata", vm.manager, vm.template)
    return vm.blueprint.once(key, lambda: metadata.shown(vm.own_items()))


def effective(vm: InstanceRecord) -> Json:
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


def interface(vm: InstanceRecord, index: int, nic: Nic) -> Json:
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


def disk(vm: InstanceRecord, index: int) -> Json:
    """One ``attachedDisk``."""
    made, given = vm.place.disks[index]
    image = made.image if made is not None else {}
    drawn = vm.blueprint.once(
        ("disk", index, image.get("id", "")), lambda: _attachment(given, index, image)
    )
    if made is None:
        return drawn
    source = vm.cloud.world.link(vm.project.name, vm.scope, "disks", made.name)
    return {**drawn, "source": source, "diskSizeGb": str(made.size_gb)}


def _attachment(given: Json, index: int, image: Json) -> Json:
    """What all VMs of one blueprint show alike of a disk from that image ({} for none)."""
    return {
        "kind": "compute#attachedDisk",
        "type": given.get("type", "PERSISTENT"),
        "mode": given.get("mode", "READ_WRITE"),
        "deviceName": given.get("deviceName") or f"persistent-disk-{index}",
        "index": index,
        "boot": bool(given.get("boot", False)),
        "autoDelete": bool(given.get("autoDelete", False)),
        "interface": given.get("interface", "SCSI"),
        "diskSizeGb": str(SCRATCH_GB),
        **images.shown_on_disks(image),
    }
