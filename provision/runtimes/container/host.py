"""What this host must offer to boot N more containers: an engine that works, and room."""

from collections.abc import Callable, Sequence

from provision.errors import Finding, RuntimeFailure
from provision.labels import CLUSTER
from provision.runtime import HostCheck
from provision.runtimes import capacity
from provision.runtimes.capacity import Needs
from provision.runtimes.container import image, probe
from provision.runtimes.container.engine import Engine, NoEngine
from provision.runtimes.limits import KernelLimit

NEEDS = Needs(
    # 32 to 36 MiB measured with slurmd and munged, engine's share included.
    each_mib=40,
    # The controller's daemons take 60 of it.
    reserve_mib=256,
    # Writable layer and log.
    each_disk_mib=8,
    # What a build of the node image needs: base, layer, and the copy it is committed from.
    image_disk_mib=2000,
    # A Linux bridge has 1,024 ports (BR_MAX_PORTS in net/bridge).
    per_network=1000,
    limits=(
        # systemd takes three to four instances a machine; at 128 the 36th container exits with 255.
        KernelLimit("fs.inotify.max_user_instances", 20, 3.5, 8192),
        KernelLimit("fs.inotify.max_user_watches", 4096, 40, 1_048_576),
        # runc makes a session keyring for each container, systemd one for each service's user.
        KernelLimit("kernel.keys.root_maxkeys", 200, 8, 1_000_000),
        KernelLimit("kernel.keys.maxkeys", 20, 1, 20_000, (("kernel.keys.maxbytes", 2_000_000),)),
        # One neighbour table for all network namespaces: each machine knows the gateway, the
        # controller and, while a job starts, a few others; an entry lives a minute.
        KernelLimit(
            "net.ipv4.neigh.default.gc_thresh3",
            256,
            4,
            16_384,
            (
                ("net.ipv4.neigh.default.gc_thresh1", 4096),
                ("net.ipv4.neigh.default.gc_thresh2", 8192),
            ),
        ),
        # About 15 tasks a machine when idle, twice that while a job starts.
        KernelLimit("kernel.pid_max", 2000, 35, 4_194_304),
    ),
)


def checks(engine: Callable[[], Engine], machines: int, publish: Sequence[int]) -> list[HostCheck]:
    """All checks. Where no engine answers, those that need one say so and the others still run."""
    found: Engine | None = None
    try:
        found = engine()
        about = found.describe()
        existing = len(found.containers({CLUSTER: ""}))
        result = [HostCheck("container engine", f"{about.name} {about.version} answers")]
        has_image = found.images.has(image.tag())
        result.append(probe.check(found, has_image=has_image))
        storage = about.storage
    except RuntimeFailure as failure:
        step = failure.next_step or "see 'provision doctor'"
        finding = Finding("host: container engine", failure.problem, step)
        result = [HostCheck("container engine", failure.problem, finding)]
        result.append(HostCheck("container start", "not tried: no engine answers"))
        existing, has_image, storage = 0, isinstance(failure, NoEngine), ""
    facts = capacity.read(NEEDS, publish, storage, existing, has_image=has_image)
    return [*result, *capacity.judge(NEEDS, facts, machines)]
