"""Root inside a light machine, as any user-data is, can change nothing of this host."""

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.events import ignore
from provision.runtime import MachineRuntime
from provision.runtimes.light.guest.kernel import CAPABILITIES
from tests.nodes.conftest import Make, booted

DEVICES = ["full", "null", "ptmx", "random", "tty", "urandom", "zero"]
WALK = '''\
import ctypes, json, os, re, socket, stat, subprocess
def opened(path):
    """Whether it can be opened for writing; nothing is written."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return True
    except OSError:
        return False
def files(top):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if stat.S_ISREG(mode := os.lstat(path).st_mode) and mode & 0o222:
                    yield path
            except OSError:
                pass
tops = [f"/proc/{n}" for n in os.listdir("/proc") if not n.isdigit() and not os.path.islink(f"/proc/{n}")]
loose = [n for n in tops if os.path.isfile(n) and os.stat(n).st_mode & 0o222]
looked = [path for top in (*tops, "/sys") for path in files(top)] + loose
def fails(*words):
    return subprocess.run(words, capture_output=True).returncode != 0
os.makedirs("/tmp/at", exist_ok=True)
own = ("unshare", "-Urmpf", "--")
tried = [
    ("mount", "-o", "remount,rw,bind", "/proc/sys"), ("umount", "/proc/sys"),
    ("mount", "-t", "proc", "proc", "/tmp/at"), ("mount", "-t", "sysfs", "sysfs", "/tmp/at"),
    ("mount", "-o", "remount,rw", "/sys"), ("mount", "-t", "cgroup2", "none", "/tmp/at"),
    ("mount", "-t", "debugfs", "none", "/tmp/at"), ("mount", "-t", "tmpfs", "none", "/tmp/at"),
    ("mknod", "/tmp/disk", "b", "8", "0"), ("mknod", "/tmp/mem", "c", "1", "1"),
    ("nsenter", "-t", "1", "-m", "true"), ("unshare", "-m", "true"),
    ("date", "-s", "2001-01-01"), ("dmesg", "-C"), ("unshare", "-n", "true"),
    ("mount", "-t", "cgroup", "-o", "freezer", "none", "/tmp/at"),
    ("unshare", "-Ur", "true"), ("sudo", "-n", "-u", "munge", "unshare", "-U", "true"),
    ("unshare", "-UrmC", "--", "mount", "-t", "cgroup2", "none", "/tmp/at"),
    ("unshare", "-UrmC", "--", "mount", "-t", "cgroup", "-o", "freezer", "none", "/tmp/at"),
    ("unshare", "-Urmn", "--", "mount", "-t", "sysfs", "sysfs", "/tmp/at"),
    (*own, "mount", "-t", "proc", "proc", "/tmp/at"), (*own, "umount", "/proc/sys"),
    (*own, "mount", "-o", "remount,rw,bind", "/proc/sys"),
    (*own, "sh", "-c", "echo >/proc/sys/kernel/core_pattern"),
]
libc = ctypes.CDLL(None, use_errno=True)
def cloned(number, *words):
    """Whether a system call made a process, in a user namespace of its own; that process ends at once."""
    child = libc.syscall(ctypes.c_long(number), *words)
    if child == 0:
        os._exit(0)
    return child > 0
NEWUSER, clone, x32 = 0x10000000, {"x86_64": 56}.get(os.uname().machine, 220), 0x40000000
new = (ctypes.c_uint64 * 11)(NEWUSER, 0, 0, 0, 17)
plain = (ctypes.c_long(NEWUSER | 17), None, None, None, None)
calls = {
    "clone3": (435, ctypes.byref(new), ctypes.c_size_t(88)), "clone": (clone, *plain),
    "x32": (clone | x32, *plain),
}
def reached(family, place):
    with socket.socket(family) as line:
        line.settimeout(5)
        return line.connect_ex(place) == 0
HOSTS = [(socket.AF_INET, ("127.0.0.1", @PORT@)), (socket.AF_UNIX, "\\0@NAME@")]
def words_of(pid):
    try:
        return open(f"/proc/{pid}/cmdline").read()
    except OSError:
        return ""
mounts = [line.split() for line in open("/proc/self/mounts")]
nodes = [os.path.join(f, n) for f, _, names in os.walk("/dev") for n in names]
status = open("/proc/self/status").read()
print(json.dumps({
    "looked": len(looked), "written": [path for path in looked if opened(path)],
    "read": [n for n in ("kcore", "keys", "timer_list", "kmsg", "mtrr") if os.access(f"/proc/{n}", os.F_OK)
             and opened(f"/proc/{n}")],
    "firmware": os.listdir("/sys/firmware") if os.path.isdir("/sys/firmware") else [],
    "cloned": [name for name, words in calls.items() if cloned(*words)],
    "reached": [place for family, place in HOSTS if reached(family, place)],
    "strangers": [pid for pid in os.listdir("/proc") if pid.isdigit() and "pytest" in words_of(pid)],
    "succeeded": [words for words in tried if not fails(*words)],
    "writable": sorted(at for _, at, _, how, *_ in mounts if "rw" in how.split(",")),
    "devices": sorted({os.path.basename(n) for n in nodes if not os.path.islink(n)
                       and (stat.S_ISCHR(m := os.lstat(n).st_mode) or stat.S_ISBLK(m))}),
    "cgroups": sorted({line.split(":", 2)[2].strip() for line in open("/proc/self/cgroup")}),
    "bounding": int(re.search(r"CapBnd:\\s*(\\w+)", status)[1], 16),
}))
'''
HANDLER = """\
#part-handler
import os, re
def list_types():
    return ["text/x-mine"]
def handle_part(data, ctype, filename, payload):
    if ctype == "__begin__":
        caps = re.search(r"CapEff:\\s*(\\w+)", open("/proc/self/status").read())[1]
        held = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                if os.path.exists(f"/proc/self/fd/{n}")]
        with open("/dev/console", "w") as out:
            print("handler", int(caps, 16), *sorted(held), file=out)
"""
MULTIPART = """\
Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/part-handler

{handler}
--==
Content-Type: text/x-mine

nothing
--==
Content-Type: text/x-shellscript

#!/bin/sh
cat >/root/walk.py <<'END'
{walk}
END
echo "sudo: $(sudo -n -u munge id -un)" >/dev/console
echo "found: $(python3 /root/walk.py 2>&1)" >/dev/console
--==--
"""
OURS = re.search(r"CapPrm:\s*(\w+)", Path("/proc/self/status").read_text())
KEPT = int(OURS[1] if OURS else "0", 16) & sum(1 << number for number in CAPABILITIES.values())
"""This host's root may be a container's, and have less itself."""


@pytest.fixture
def kind() -> str:
    return "light"


@pytest.fixture
def services() -> Iterator[tuple[int, str]]:
    """What listens on this host's loopback and among its abstract names."""
    name = f"provision-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield listener.getsockname()[1], name


@pytest.fixture
def console(runtime: MachineRuntime, boot: Make, services: tuple[int, str]) -> str:
    port, name = services
    walk = WALK.replace("@PORT@", str(port)).replace("@NAME@", name)
    pattern = Path("/proc/sys/kernel/core_pattern")
    before = pattern.read_text()
    try:
        runtime.start([boot(0, user_data=MULTIPART.format(handler=HANDLER, walk=walk))], ignore)
        text = booted(runtime, boot(0).name)
        assert pattern.read_text() == before
    finally:
        pattern.write_text(before)
    return text


def test_root_inside_a_light_machine_can_write_nothing_of_the_hosts(console: str) -> None:
    told = re.search(r"^found: (.*)$", console, re.MULTILINE)
    assert told, console
    found: dict[str, Any] = json.loads(told[1])
    assert found.pop("looked") > 500, "a walk that sees nothing proves nothing"
    assert found == {
        "written": [], "read": [], "firmware": [], "succeeded": [],
        "cloned": [], "reached": [], "strangers": [],
        "writable": ["/", "/dev/pts", "/proc"], "devices": DEVICES, "cgroups": ["/"],
        "bounding": KEPT,
    }  # fmt: skip
    assert "sudo: munge" in console, "what a node needs is still there"


def test_python_of_user_datas_own_has_no_more_rights_than_its_programs(console: str) -> None:
    told = re.search(r"^handler (\d+) (.*)$", console, re.MULTILINE)
    assert told, console
    assert int(told[1]) == KEPT
    own = re.compile(r"pipe:\[|/dev/null$|/var/log/|/proc/|/root/|/var/lib/cloud|.*/console$")
    assert [each for each in told[2].split() if not own.match(each)] == [], (
        "nothing of the zygote's"
    )
