"""What the engine is told of a machine."""

import io
import json
import tarfile
from collections.abc import Callable

import pytest

from provision.runtime import Boot, State
from provision.runtimes.container import node
from provision.runtimes.container.engine import Container

Make = Callable[..., Boot]


def test_the_seed_is_readable_by_root_alone(boot: Make) -> None:
    with tarfile.open(fileobj=io.BytesIO(node.seed(boot("c-1")))) as archive:
        modes = {member.name: member.mode for member in archive}
        meta = archive.extractfile("nocloud/meta-data")
        user = archive.extractfile("nocloud/user-data")
        assert meta is not None
        assert user is not None
        assert json.load(meta) == {"instance-id": "c-1.0", "local-hostname": "c-1"}
        assert user.read() == b"#cloud-config\n# the secret\n"
    assert modes == {"nocloud": 0o700, "nocloud/meta-data": 0o600, "nocloud/user-data": 0o600}


@pytest.mark.parametrize("podman", [True, False])
def test_the_container_tells_no_secret(boot: Make, podman: bool) -> None:
    assert "the secret" not in json.dumps(node.config(boot(), "image", podman=podman))
    assert "the secret" not in repr(boot())


def test_address_and_port_are_as_asked(boot: Make) -> None:
    config = node.config(boot(publish={2222: 22}), "image", podman=True)
    endpoint = config["NetworkingConfig"]["EndpointsConfig"]["c"]
    assert endpoint["IPAMConfig"]["IPv4Address"] == "10.9.0.5"
    binding = {"HostIp": "127.0.0.1", "HostPort": "2222"}
    assert config["HostConfig"]["PortBindings"] == {"22/tcp": [binding]}
    assert config["ExposedPorts"] == {"22/tcp": {}}


def test_only_docker_needs_privileges(boot: Make) -> None:
    assert "Privileged" not in node.config(boot(), "image", podman=True)["HostConfig"]
    assert node.config(boot(), "image", podman=False)["HostConfig"]["Privileged"] is True


@pytest.mark.parametrize(
    ("state", "status", "expected", "code"),
    [
        ("created", "Created", State.CREATED, None),
        ("configured", "", State.CREATED, None),
        ("running", "Up 5 seconds", State.RUNNING, None),
        ("exited", "Exited (137) 2 seconds ago", State.STOPPED, 137),
        ("exited", "Exited (0) 2 days ago", State.STOPPED, 0),
        ("dead", "Dead", State.STOPPED, None),
        ("word of a later engine", "", State.STOPPED, None),
    ],
)
def test_states(state: str, status: str, expected: State, code: int | None) -> None:
    running = node.running(Container("id", "c-1", {}, "", state, status, 1000))
    assert (running.state, running.exit_code) == (expected, code)
    assert running.started == (None if expected is State.CREATED else 1000.0)


@pytest.mark.parametrize(("requested", "started"), [("1000700", 1000.7), ("999000", 1000.0)])
def test_a_machine_starts_no_earlier_than_requested(requested: str, started: float) -> None:
    labels = {"provision-created": requested}
    container = Container("id", "c-1", labels, "", "running", "Up", 1000)
    assert node.running(container).started == started
