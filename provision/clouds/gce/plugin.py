"""The provider as Pulumi starts it where a user runs ``pulumi`` by hand; see docs/pulumi.md."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import kinds
from provision.clouds.gce.settings import ENDPOINT, resolve
from provision.provider.resource import Resource
from provision.provider.server import main


def registry(config: Mapping[str, str]) -> list[Resource]:
    """All kinds, for the project and region that the stack's settings name."""
    environment = {**os.environ}
    if endpoint := config.get("endpoint"):
        environment[ENDPOINT] = endpoint
    settings = resolve(
        environment, Path.home(), project=config.get("project"), region=config.get("region")
    )
    return [*kinds(Gce(settings))]


if __name__ == "__main__":
    sys.exit(main(registry))
