"""The environment that leads clients to an emulated GCE."""

from collections.abc import Sequence
from pathlib import Path

from provision.emulator.access import TOKEN
from provision.emulator.gce import signin

REGION = "us-central1"
"""Where clients work that are told no region."""


def prepared(base: str, projects: Sequence[str], token: str, folder: Path) -> dict[str, str]:
    """The environment, for the first project; a key to sign in with is written into the folder."""
    project = projects[0] if projects else "emulated"
    key = folder / "key.json"
    key.touch(mode=0o600)
    key.write_text(signin.key_file(project, base))
    return environment(base, project, str(key), token)


def environment(base: str, project: str, key_file: str, token: str) -> dict[str, str]:
    """What clients need to find the emulator: ours, Google's tools', Terraform's and libraries'."""
    return {
        "PROVISION_GCE_ENDPOINT": base,
        TOKEN: token,
        "GOOGLE_APPLICATION_CREDENTIALS": key_file,
        "GOOGLE_CLOUD_PROJECT": project,
        "GOOGLE_PROJECT": project,
        "GOOGLE_CLOUD_REGION": REGION,
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{base}/compute/v1/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": f"{base}/compute/v1/",
        "CLOUDSDK_AUTH_ACCESS_TOKEN": "emulator",
        "CLOUDSDK_CORE_PROJECT": project,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_COMPUTE_REGION": REGION,
        "NO_GCE_CHECK": "true",
    }
