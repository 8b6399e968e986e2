"""What only an emulator is asked: whether it is one of this machine, and what boots behind its VMs."""

from urllib.parse import urlsplit

from provision.clouds.common.settings import LOOPBACK
from provision.clouds.gce.settings import Settings

SECONDS = 10.0
"""It answers from memory, within milliseconds."""
SAID = "Provision-Machines"
"""Header of every answer of ours, also to who has no token for the path; ``none`` is nothing."""


def here(settings: Settings) -> bool:
    """Whether the endpoint is a server of this machine; Google's is never without TLS."""
    return settings.plain and urlsplit(settings.endpoint).hostname in LOOPBACK


def stateless(settings: Settings) -> str:
    """A clause where its VMs are state only, '' where they boot or nobody says that they do not."""
    if not settings.plain:
        return ""
    import requests

    try:
        answer = requests.get(f"{settings.endpoint}/_emulator/", timeout=SECONDS)
    except requests.RequestException:
        return ""  # what is asked next meets it too, and says it better
    nothing = answer.headers.get(SAID) == "none"
    return f"VMs of the emulator at {settings.endpoint} are state only" if nothing else ""
