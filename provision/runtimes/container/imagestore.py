"""The images of a container engine, through the ``docker`` SDK."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docker.api.client import APIClient
from docker.utils.json_stream import json_stream

from provision.errors import RuntimeFailure
from provision.runtimes.container.engine import Gone
from provision.runtimes.container.failures import translated

API_VERSION = "1.41"
TIMEOUT = 120.0
"""Seconds one call may take; starting a container on a busy host takes a few."""


class DockerImages:
    """:class:`~provision.runtimes.container.engine.Images` over an engine's API."""

    def __init__(self, api: APIClient) -> None:
        self._api = api

    def has(self, tag: str) -> bool:
        """``GET /images/NAME/json``."""
        try:
            with translated(f"look for the image {tag}"):
                self._api.inspect_image(tag)  # type: ignore[no-untyped-call]  # its stub has no types
        except Gone:
            return False
        return True

    def pull(self, image: str, timeout: float) -> None:
        """``POST /images/create``, watched for the error that comes within the stream."""
        name, _, tag = image.rpartition(":")
        with translated(f"pull {image}"):
            response = self._api.post(
                f"{self._api.base_url}/v{API_VERSION}/images/create",
                params={"fromImage": name, "tag": tag},
                stream=True,
                timeout=timeout,
            )
            response.raise_for_status()
            for _line in _lines(response.iter_content(4096), f"pull {image}"):
                pass
        if not self.has(image):
            raise RuntimeFailure(f"the registry gave no {image}")

    def load(self, archive: Path, tag: str, labels: Mapping[str, str]) -> None:
        """``POST /images/create?fromSrc=-``."""
        changes = [f"LABEL {key}={value}" for key, value in labels.items()]
        with translated(f"import {tag}"):
            # The tag stands within the name: Podman 4 overlooks a separate one and says "latest".
            self._api.import_image_from_file(str(archive), tag, changes=changes)
        if not self.has(tag):
            raise RuntimeFailure(f"the container engine did not import {tag}")

    def build(
        self, folder: Path, tag: str, args: Mapping[str, str], labels: Mapping[str, str]
    ) -> Iterator[str]:
        """``POST /build`` with the folder as its context."""
        with translated(f"build {tag}"):
            chunks = self._api.build(
                path=str(folder),
                dockerfile="Containerfile",
                tag=tag,
                buildargs=dict(args),
                labels=dict(labels),
                network_mode="host",
                rm=True,
                forcerm=True,
                timeout=int(TIMEOUT),
            )
            yield from _lines(chunks, f"build {tag}")


def _lines(chunks: Any, doing: str) -> Iterator[str]:
    """Text of the engine's progress messages; an ``error`` among them ends the call."""
    for message in json_stream(chunks):
        if not isinstance(message, dict):
            continue
        if "error" in message:
            words = " ".join(str(message["error"]).split())
            raise RuntimeFailure(f"the container engine could not {doing} ({words})")
        text = str(message.get("stream") or message.get("status") or "").strip()
        if text:
            yield text
