"""The parts of the distribution that are installed only where they are asked for."""

import importlib.util

from provision.errors import Finding, RefusedError

DISTRIBUTION = "provision-cluster"
"""What package registries call us; their "provision" is somebody else's."""
PACKAGES = {
    "emulator": {
        "googleapiclient": "google-api-python-client",
        "httptools": "httptools",
        "orjson": "orjson",
        "starlette": "starlette",
        "uvicorn": "uvicorn",
    },
    "gce": {
        "google.auth": "google-auth",
        "google.cloud.compute_v1": "google-cloud-compute",
        "pulumi": "pulumi",
        "requests": "requests",
    },
}
"""By extra: what is imported of it, and what a registry calls that."""


def check(extra: str, place: str) -> None:
    """Refuse where a package of the extra is missing; ``place`` is what was asked for.

    Raises:
        RefusedError: names the packages and the command that installs them.
    """
    missing = [name for module, name in PACKAGES[extra].items() if not _there(module)]
    if missing:
        what = f"the package{'s' * (len(missing) > 1)} {', '.join(missing)}"
        problem = f"{what} {'are' if len(missing) > 1 else 'is'} missing"
        raise RefusedError([Finding(place, problem, f"pip install '{DISTRIBUTION}[{extra}]'")])


def _there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False
