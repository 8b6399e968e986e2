"""``compute.imageFamilyViews.*``: the newest image of a family, as seen from a zone."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call
from provision.emulator.gce.models import images
from provision.emulator.gce.world import GLOBAL, Json


def get(call: Call) -> Json:
    """The view with its image."""
    family = call.path["family"]
    found = images.newest(call.project, family)
    if found is None:
        path = f"projects/{call.path['project']}/{GLOBAL}/images/family/{family}"
        raise errors.not_found(path)
    return {"image": found.data}
