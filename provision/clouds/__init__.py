"""The clouds a plan can go to, by kind; each is imported only when it is asked for."""

from provision.cloud import Cloud
from provision.speccloud import Cloud as CloudSpec
from provision.speccloud import LocalCloud as LocalSpec


def cloud_of(spec: CloudSpec) -> Cloud:
    """The cloud of a spec's ``cloud`` part, ready to be asked; close it after use."""
    from provision.clouds.local.cloud import LocalCloud

    assert isinstance(spec, LocalSpec)
    return LocalCloud(spec)


def places() -> list[CloudSpec]:
    """Where to look for clusters whose spec is not on this machine."""
    return [LocalSpec(), LocalSpec(machines="light")]
