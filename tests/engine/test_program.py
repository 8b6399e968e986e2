"""Engines come and go on the ports of this host."""

from collections.abc import Callable, Iterator
from concurrent import futures

import grpc
import pytest
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import Settings

import provision.engine.program  # noqa: F401  # what is tried here is what it sets

Engine = Callable[[int], tuple[grpc.Server, int]]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Starts what stands for an engine's monitor, on a port of its own (0) or one given again."""
    servers: list[grpc.Server] = []

    def start(port: int) -> tuple[grpc.Server, int]:
        server = grpc.server(futures.ThreadPoolExecutor(1))
        taken = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        servers.append(server)
        return server, taken

    yield start
    for server in servers:
        server.stop(0).wait(5)


def answered(settings: Settings) -> grpc.StatusCode:
    """What a call of the SDK's own stub ends with; the monitor here implements none."""
    with pytest.raises(grpc.RpcError) as caught:
        settings.monitor.SupportsFeature(resource_pb2.SupportsFeatureRequest(id="x"), timeout=5)
    code = caught.value.code()
    assert isinstance(code, grpc.StatusCode)
    return code


def test_an_engine_on_the_port_of_one_that_was_killed_is_reached(engine: Engine) -> None:
    first, port = engine(0)
    old = Settings("p", "s", monitor=f"127.0.0.1:{port}")
    assert answered(old) is grpc.StatusCode.UNIMPLEMENTED
    first.stop(0).wait(5)
    # Twice, so that gRPC waits for more than a moment before it would connect again.
    assert {answered(old), answered(old)} == {grpc.StatusCode.UNAVAILABLE}
    engine(port)
    new = Settings("p", "s", monitor=f"127.0.0.1:{port}")
    assert answered(new) is grpc.StatusCode.UNIMPLEMENTED
