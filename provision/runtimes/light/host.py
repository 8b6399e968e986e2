"""What this host must offer to boot N more light machines: root, a kernel that can, and room."""

import os
import subprocess
from collections.abc import Sequence

from provision.errors import Finding
from provision.runtime import HostCheck
from provision.runtimes import capacity
from provision.runtimes.capacity import Needs
from provision.runtimes.light import root
from provision.runtimes.light.guest.kernel import PIVOT_ROOT
from provision.runtimes.limits import KernelLimit

NEEDS = Needs(
    # Measured: see docs/runtime.md. What a job's start takes for a moment is in it.
    each_mib=8,
    reserve_mib=512,
    each_disk_mib=0,
    image_disk_mib=700,
    # A Linux bridge has 1,024 ports (BR_MAX_PORTS in net/bridge); one is the host's.
    per_network=1020,
    limits=(
        # 17 tasks a machine when idle, twice that at the peak of a job's start on all of them.
        KernelLimit("kernel.pid_max", 2000, 40, 4_194_304),
        KernelLimit("kernel.threads-max", 2000, 40, 500_000),
        # One neighbour table for all network namespaces: a job on 1,000 nodes adds 3,800 entries,
        # and when it overflows nodes stay completing.
        KernelLimit(
            "net.ipv4.neigh.default.gc_thresh3",
            256,
            5,
            131_072,
            (
                ("net.ipv4.neigh.default.gc_thresh1", 32_768),
                ("net.ipv4.neigh.default.gc_thresh2", 65_536),
            ),
        ),
        # All links share the host's queues; a burst of a thousand daemons' answers must fit.
        KernelLimit("net.core.netdev_max_backlog", 200, 4, 50_000),
    ),
    option=" --machines light",
)
CAPABILITIES = {"SYS_ADMIN": 21, "NET_ADMIN": 12, "SYS_CHROOT": 18, "MKNOD": 27}
PROBE = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "true"]
PROBE_SECONDS = 10.0
PUBLISHES = "light machines publish no port of this host"


def checks(machines: int, publish: Sequence[int], existing: int) -> list[HostCheck]:
    """All checks; creates nothing."""
    result = [_rights(), _kernel()]
    if all(check.finding is None for check in result):
        result.append(_namespaces())
    for port in publish:
        fix = "leave ssh_port out: this host reaches every machine at its own address"
        result.append(
            HostCheck(f"port {port}", PUBLISHES, Finding(f"host: port {port}", PUBLISHES, fix))
        )
    has_root = root.folder().is_dir()
    facts = capacity.read(NEEDS, (), str(root.roots()), existing, has_image=has_root)
    return [*result, *capacity.judge(NEEDS, facts, machines)]


def _rights() -> HostCheck:
    if os.geteuid() != 0:
        return _lacking("root", f"this is user {os.geteuid()}", "run it as root (sudo)")
    missing = [name for name, bit in CAPABILITIES.items() if not _capabilities() >> bit & 1]
    if missing:
        return _lacking(
            "root", f"root has no {', '.join(missing)} here", "run it outside of this container"
        )
    return HostCheck("root", "this is root")


def _lacking(name: str, problem: str, fix: str) -> HostCheck:
    why = f"{problem}, and light machines need namespaces, mounts and links"
    fix += ", or choose machines: container"
    return HostCheck(name, problem, Finding(f"host: {name}", why, fix))


def _capabilities() -> int:
    """Effective capabilities of this process as bits (proc(5))."""
    for line in capacity.text_of("/proc/self/status").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _kernel() -> HostCheck:
    machine = os.uname().machine
    if machine not in PIVOT_ROOT:
        return _lacking("kernel", f"its architecture is {machine}", "use another host")
    if "overlay" not in capacity.text_of("/proc/filesystems").split():
        return _lacking("kernel", "it has no overlay file system", "run 'modprobe overlay'")
    return HostCheck("kernel", f"{machine} with overlay file systems")


def _namespaces() -> HostCheck:
    try:
        done = subprocess.run(PROBE, capture_output=True, timeout=PROBE_SECONDS)
        said = done.stderr.decode(errors="replace").strip() if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        said = str(error)
    if said:
        return _lacking("namespaces", f"they cannot be made ({said[:200]})", "use another host")
    return HostCheck("namespaces", "can be made")
