"""A container engine through the ``docker`` SDK, for Docker and for Podman's compatible API.

The SDK's low-level client is used because its list calls cost one request for any number of
containers; the object layer above it inspects each one.
API: Docker Engine API v1.41 (https://docs.docker.com/engine/api/v1.41/), which Podman 4 serves too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docker.api.client import APIClient
from docker.types import IPAMConfig, IPAMPool
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from provision.errors import RuntimeFailure
from provision.runtimes.container.engine import Container, Description, EngineNetwork, Gone
from provision.runtimes.container.failures import translated
from provision.runtimes.container.imagestore import API_VERSION, TIMEOUT, DockerImages

POOL = 16
"""Connections kept open, so that threads do not wait for one another."""
_NO_TEXT = re.compile(r"\r+(?=\n)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""What a terminal gets beside text: carriage returns, and control sequences of ECMA-48."""


class DockerEngine:
    """:class:`~provision.runtimes.container.engine.Engine` over a URL (``unix:///run/…``)."""

    def __init__(self, url: str, on_close: Callable[[], None] | None = None) -> None:
        """Connect. ``on_close`` ends the engine where this process had started it."""
        self._on_close = on_close
        self._description: Description | None = None
        with translated(f"be reached at {url}"):
            self._api = APIClient(
                base_url=url, version=API_VERSION, timeout=int(TIMEOUT), max_pool_size=POOL
            )
        self.images = DockerImages(self._api)

    def ping(self, timeout: float) -> None:
        """Ask whether it is there, within ``timeout`` seconds."""
        with translated("answer"):
            response = self._api.get(f"{self._api.base_url}/_ping", timeout=timeout)
            response.raise_for_status()

    def describe(self) -> Description:
        """Two calls the first time, none later."""
        if self._description is None:
            with translated("describe itself"):
                version, info = self._api.version(), self._api.info()
            names = [part.get("Name", "") for part in version.get("Components") or []]
            podman = any("Podman" in name for name in names)
            rootless = bool(info.get("Rootless")) or any(
                "rootless" in option for option in info.get("SecurityOptions") or []
            )
            self._description = Description(
                name="Podman" if podman else "Docker",
                version=str(version.get("Version", "")),
                storage=str(info.get("DockerRootDir", "")),
                podman=podman,
                rootless=rootless,
            )
        return self._description

    def containers(self, labels: Mapping[str, str] | None = None) -> list[Container]:
        """One list call; its label filter is the engine's own."""
        wanted = [f"{key}={value}" if value else key for key, value in (labels or {}).items()]
        # A container that goes away while Podman gathers its list makes the whole call fail.
        for attempt in Retrying(
            retry=retry_if_exception_type(RuntimeFailure),
            wait=wait_exponential(0.05, max=1),
            stop=stop_after_attempt(6),
            reraise=True,
        ):
            with attempt, translated("list containers"):
                rows = self._api.containers(all=True, filters={"label": wanted} if wanted else {})
        return sorted(map(_container, rows), key=lambda container: container.name)

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """``POST /containers/create``."""
        with translated(f"create {name}"):
            answer = self._api.create_container_from_config(dict(config), name)  # type: ignore[no-untyped-call]  # its stub has no types
            return str(answer["Id"])

    def put(self, ident: str, folder: str, archive: bytes) -> None:
        """``PUT /containers/ID/archive``."""
        with translated("write the seed"):
            self._api.put_archive(ident, folder, archive)

    def start(self, ident: str) -> None:
        """``POST /containers/ID/start``."""
        with translated("start it"):
            self._api.start(ident)

    def wait(self, ident: str, timeout: float) -> int:
        """``POST /containers/ID/wait``."""
        with translated("wait for its end"):
            return int(self._api.wait(ident, timeout=int(timeout))["StatusCode"])

    def remove(self, ident: str) -> None:
        """``DELETE /containers/ID?force=1&v=1``: the container's stop time-out is 0, so it is killed."""
        try:
            with translated("remove it"):
                self._api.remove_container(ident, force=True, v=True)
        except Gone:
            return

    def logs(self, ident: str, tail: int) -> str:
        """``GET /containers/ID/logs``: one stream, as the container has a terminal."""
        with translated("read its log"):
            data: bytes = self._api.logs(ident, tail=tail)
        return _NO_TEXT.sub("", data.decode(errors="replace"))

    def networks(self) -> list[EngineNetwork]:
        """``GET /networks``."""
        with translated("list networks"):
            rows = self._api.networks()
        return [_network(row) for row in rows]

    def create_network(self, name: str, subnet: str, labels: Mapping[str, str]) -> None:
        """``POST /networks/create``; the gateway is the subnet's first address by default."""
        pool = IPAMPool(subnet=subnet)
        with translated(f"create the network {name}"):
            self._api.create_network(
                name,
                driver="bridge",
                ipam=IPAMConfig(pool_configs=[pool]),
                labels=dict(labels),
                check_duplicate=True,
            )

    def remove_network(self, name: str) -> None:
        """``DELETE /networks/ID``."""
        try:
            with translated(f"remove the network {name}"):
                self._api.remove_network(name)
        except Gone:
            return

    def export(self, ident: str) -> Iterator[bytes]:
        """``GET /containers/ID/export``."""
        with translated("export its files"):
            yield from self._api.export(ident)

    def close(self) -> None:
        """Close the connections, then end what :func:`connect` had started."""
        self._api.close()
        if self._on_close:
            self._on_close()


def _container(row: Mapping[str, Any]) -> Container:
    networks = ((row.get("NetworkSettings") or {}).get("Networks") or {}).values()
    addresses = [network.get("IPAddress") or "" for network in networks if network]
    return Container(
        ident=row["Id"],
        name=(row.get("Names") or [row["Id"]])[0].lstrip("/"),
        labels=row.get("Labels") or {},
        address=next(filter(None, addresses), ""),
        state=str(row.get("State", "")).lower(),
        status=str(row.get("Status", "")),
        created=int(row.get("Created") or 0),
    )


def _network(row: Mapping[str, Any]) -> EngineNetwork:
    pools = (row.get("IPAM") or {}).get("Config") or []
    return EngineNetwork(
        name=row["Name"],
        labels=row.get("Labels") or {},
        subnets=tuple(pool["Subnet"] for pool in pools if pool.get("Subnet")),
    )
