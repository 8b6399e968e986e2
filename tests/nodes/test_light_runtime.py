"""What only light machines do: namespaces, a small systemctl, sshd on demand, one zygote for all."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision import labels
from provision.errors import RuntimeFailure
from provision.events import Event, Progress, ignore
from provision.runtime import MachineRuntime, Network, State
from provision.runtimes.light import zygote
from provision.runtimes.light.records import MACHINES, NETWORKS, Process, Records
from provision.runtimes.light.runtime import LightRuntime
from provision.runtimes.light.zygote import Zygote
from tests.nodes.conftest import Make, booted, said


@pytest.fixture
def kind() -> str:
    return "light"


def script(*lines: str, config: str = "") -> str:
    """User-data that writes what these lines say to the console."""
    body = "\n".join(f"  - [sh, -c, {line!r}]" for line in lines)
    return f"#cloud-config\n{config}runcmd:\n{body}\n"


def test_a_machine_sees_only_itself(runtime: MachineRuntime, boot: Make) -> None:
    looks = (
        "echo processes: $(ls -d /proc/[0-9]* | wc -l) >/dev/console",
        "echo links: $(ls /sys/class/net) >/dev/console",
        "echo root: $(touch /usr/bin/mine && ls /usr/bin/mine) >/dev/console",
        "grep -o Cap.* /proc/self/status >/dev/console; ls /opt/records | wc -l >/dev/console",
        "date -s 2001-01-01 >/dev/console 2>&1 || echo the clock is not ours >/dev/console",
    )
    runtime.start([boot(0, user_data=script(*looks)), boot(1)], ignore)
    console = booted(runtime, boot(0).name)
    seen = re.search(r"processes: (\d+)", console)
    assert seen and int(seen[1]) < 10
    assert "links: eth0 lo" in console
    assert "root: /usr/bin/mine" in console
    assert "the clock is not ours" in console
    other = Records().get(MACHINES, boot(1).name)
    assert other and not Path(other.root, "usr/bin/mine").exists()


def test_what_a_shell_writes_on_the_console_cuts_nothing_off(
    runtime: MachineRuntime, boot: Make
) -> None:
    lines = [f"echo line {number} > /dev/console" for number in range(5)]
    runtime.start([boot(0, user_data=script(*lines))], ignore)
    console = booted(runtime, boot(0).name)
    assert [line for line in console.splitlines() if line.startswith("line")] == [
        f"line {number}" for number in range(5)
    ]


def test_a_user_data_that_fails_is_on_the_console_and_in_the_status(
    runtime: MachineRuntime, boot: Make
) -> None:
    runtime.start(
        [boot(0, user_data="#cloud-config\nbootcmd: [[false]]\nruncmd: [[no-such-program]]\n")],
        ignore,
    )
    console = booted(runtime, boot(0).name)
    assert "no-such-program: not found" in console
    assert "bootcmd" in console
    answer = inside(boot(0).name, "cloud-init", "status", "--long")
    assert "status: error" in answer and "scripts_user" in answer


MULTIPART = """\
Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/cloud-config

#cloud-config
write_files: [{path: /etc/one, content: "first"}]
--==
Content-Type: text/x-shellscript

#!/bin/sh
echo "script: $(cat /etc/one)" >/dev/console
--==
Content-Type: text/jinja2

## template: jinja
#cloud-config
runcmd: [[sh, -c, "echo jinja: {{ v1.local_hostname }} {{ v1.instance_id }} >/dev/console"]]
--==--
"""


def test_parts_of_every_kind_are_cloud_inits_own_work(runtime: MachineRuntime, boot: Make) -> None:
    runtime.start([boot(0, user_data=MULTIPART)], ignore)
    console = booted(runtime, boot(0).name)
    assert "script: first" in console
    assert f"jinja: {boot(0).name} {boot(0).instance_id}" in console


UNITS = """\
write_files:
  - path: /etc/systemd/system/ready.service
    content: |
      [Service]
      Type=notify
      Environment=WHO=world
      ExecStartPre=/bin/sh -c 'echo before > /run/ready/order'
      ExecStart=/usr/bin/python3 /opt/ready.py ${WHO}
      RuntimeDirectory=ready
      User=munge
  - path: /opt/ready.py
    content: |
      import os, socket, sys, time
      time.sleep(0.3)
      open("/run/ready/who", "w").write(f"{sys.argv[1]} {os.getuid()} {os.environ['WHO']}")
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(os.environ["NOTIFY_SOCKET"])
      s.send(b"READY=1")
      time.sleep(3600)
  - path: /etc/systemd/system/once.service
    content: |
      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/bin/sh -c 'echo once >> /run/ready/order'
  - path: /etc/systemd/system/never.service
    content: |
      [Service]
      ExecStart=/no/such/program
"""


def test_units_start_as_their_files_say(runtime: MachineRuntime, boot: Make) -> None:
    user_data = script(
        "systemctl enable --now ready.service once 2>&1 >/dev/console",
        "echo ready: $(cat /run/ready/who) $(id -u munge) >/dev/console",
        "echo order: $(cat /run/ready/order) $(systemctl is-active ready once) >/dev/console",
        "systemctl start never; echo never: $? >/dev/console",
        "systemctl start nowhere; echo nowhere: $? >/dev/console",
        "systemctl stop ready; systemctl is-active -q ready; echo stopped: $? >/dev/console",
        "systemctl list-units 2>/dev/console; echo unknown: $? >/dev/console",
        config=UNITS,
    )
    runtime.start([boot(0, user_data=user_data)], ignore)
    console = booted(runtime, boot(0).name)
    found = re.search(r"ready: world (\d+) world (\d+)", console)
    assert found and found[1] == found[2]
    assert "order: before once active active" in console
    for line in ("never: 1", "nowhere: 5", "stopped: 3", "unknown: 1"):
        assert line in console
    assert "a light machine knows no 'list-units'; it has no systemd" in console


KEYS = """\
ssh_keys:
  ed25519_private: |
    %s
  ed25519_public: %s
"""


def test_sshd_answers_where_it_has_keys_also_at_an_external_address(
    runtime: MachineRuntime, boot: Make, tmp_path: Path
) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True
    )
    private = (tmp_path / "key").read_text().strip().replace("\n", "\n    ")
    config = KEYS % (private, (tmp_path / "key.pub").read_text().strip())
    external = "198.18.77.1"
    keyed = boot(0, user_data=script("true", config=config), external=external)
    silent = boot(1, user_data=script("systemctl stop ssh"))
    runtime.start([keyed, silent], ignore)
    for one in (keyed, silent):
        booted(runtime, one.name)
    assert banner(keyed.address).startswith(b"SSH-2.0-OpenSSH")
    assert banner(external).startswith(b"SSH-2.0-OpenSSH")
    assert banner(silent.address) == b""
    runtime.stop({labels.CLUSTER: keyed.labels[labels.CLUSTER]}, [keyed.name])
    assert external not in subprocess.run(["ip", "route"], capture_output=True, text=True).stdout


def test_one_off_every_network_boots_alone(runtime: MachineRuntime, boot: Make) -> None:
    lone = replace(
        boot(0, user_data=script("echo links: $(ls /sys/class/net) >/dev/console")), network=""
    )
    assert runtime.start([lone], ignore) == {}
    assert "links: lo" in booted(runtime, lone.name)


def test_poweroff_ends_the_machine(runtime: MachineRuntime, boot: Make, cluster: str) -> None:
    runtime.start([boot(0, user_data=script("echo the end >/dev/console", "poweroff"))], ignore)
    said(runtime, boot(0).name, "the end")
    record = Records().get(MACHINES, boot(0).name)
    assert record and record.process
    ended(record.process)
    (machine,) = runtime.running({labels.CLUSTER: cluster})
    assert machine.state is State.STOPPED


def ended(process: Process) -> None:
    """Wait until it has."""
    Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.02), stop=stop_after_delay(20))(
        process.alive
    )


def test_machines_outlive_the_process_that_started_them(
    runtime: MachineRuntime, network: Network, boot: Make, cluster: str
) -> None:
    runtime.start([boot(0)], ignore)
    runtime.close()
    again = LightRuntime()
    try:
        assert [m.state for m in again.running({labels.CLUSTER: cluster})] == [State.RUNNING]
        again.ensure_network(network)
        assert again.start([boot(0), boot(1)], ignore) == {}
        booted(again, boot(1).name)
        reached = inside(boot(1).name, "sh", "-c", f"echo | nc -w 5 {boot(0).address} 22; echo $?")
        assert reached.startswith("SSH-2.0-OpenSSH")
    finally:
        again.close()


CHILD = """\
import sys, json
from provision.events import ignore
from provision.runtime import Boot, Network
from provision.runtimes.light.runtime import LightRuntime
runtime = LightRuntime()
order = json.loads(sys.argv[1])
runtime.ensure_network(Network(**order["network"]))
runtime.start([Boot(**boot) for boot in order["boots"]], lambda event: print(event.done, flush=True))
"""


def test_kill_9_in_the_middle_leaves_only_what_stop_finds(
    runtime: MachineRuntime, network: Network, boot: Make, cluster: str
) -> None:
    fields = ("name", "user_data", "instance_id", "address", "network", "labels")
    boots = [{field: getattr(boot(n), field) for field in fields} for n in range(60)]
    made = {"name": network.name, "subnet": network.subnet, "labels": dict(network.labels)}
    words = [sys.executable, "-c", CHILD, json.dumps({"network": made, "boots": boots})]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        for line in child.stdout:
            if int(line) >= 10:
                break
        os.kill(child.pid, signal.SIGKILL)
    marks = {labels.CLUSTER: cluster}
    found = runtime.running(marks)
    assert 10 <= len(found) < 60
    runtime.stop(marks)
    assert runtime.leftovers(marks) == []
    assert processes(cluster) == []


def test_machines_that_only_wait_keep_nobody_from_booting(
    runtime: MachineRuntime, boot: Make
) -> None:
    waiting = [boot(n, user_data=script("sleep 40")) for n in range(30)]
    began = time.monotonic()
    runtime.start([*waiting, boot(30)], ignore)
    booted(runtime, boot(30).name)
    assert time.monotonic() - began < 20, "three at a time and three seconds each would be 30"


def test_a_run_that_is_stopped_boots_no_more(
    runtime: MachineRuntime, boot: Make, cluster: str
) -> None:
    def stopped(event: Event) -> None:
        if isinstance(event, Progress) and event.done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.start([boot(number) for number in range(100)], stopped)
    runtime.close()
    assert len(runtime.running({labels.CLUSTER: cluster})) < 20


def test_a_dead_network_is_made_anew(runtime: MachineRuntime, network: Network, boot: Make) -> None:
    record = Records().get(NETWORKS, network.name)
    assert record and record.process
    os.kill(record.process.number, signal.SIGKILL)
    ended(record.process)
    runtime.ensure_network(network)
    assert runtime.start([boot(0)], ignore) == {}
    booted(runtime, boot(0).name)


def test_a_network_lives_on_when_machines_started_before_it_are_gone(
    runtime: MachineRuntime, network: Network, boot: Make, cluster: str
) -> None:
    runtime.start([boot(0)], ignore)
    other = next(f"10.98.{n}.0/24" for n in range(200, 256) if not runtime.taken(f"10.98.{n}.0/24"))
    runtime.ensure_network(Network(f"{cluster}-b", other, {labels.CLUSTER: cluster}))
    runtime.stop({labels.CLUSTER: cluster}, [boot(0).name])
    third = next(f"10.97.{n}.0/24" for n in range(200, 256) if not runtime.taken(f"10.97.{n}.0/24"))
    runtime.ensure_network(Network(f"{cluster}-c", third, {labels.CLUSTER: cluster}))
    for name in (network.name, f"{cluster}-b", f"{cluster}-c"):
        record = Records().get(NETWORKS, name)
        assert record and record.process and record.process.alive()


def test_the_root_is_needed_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (finding,) = [c.finding for c in LightRuntime().check(1) if c.name == "root"]
    assert finding and "run it as root (sudo), or choose machines: container" in str(finding)


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    runtime = LightRuntime(state=tmp_path / "file")
    with pytest.raises(RuntimeFailure, match="cannot be written"):
        runtime.ensure_network(Network("rt000000", "10.98.255.0/24", {}))


DEAF = """\
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"id": 0, "error": ""}', flush=True)
time.sleep(60)
"""


def test_a_zygote_that_is_slow_to_end_hides_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.Popen

    def deaf(words: list[str], **how: Any) -> Any:
        return real([sys.executable, "-c", DEAF], **how)

    monkeypatch.setattr(zygote, "STOP", 0.2)
    monkeypatch.setattr(subprocess, "Popen", deaf)
    made = Zygote(tmp_path, tmp_path / "state", 1)
    began = time.monotonic()
    made.close()
    assert time.monotonic() - began < 10 and made._process.poll() is not None


def inside(name: str, *words: str) -> str:
    """What a command says that is run within a machine."""
    record = Records().get(MACHINES, name)
    assert record and record.process
    enter = ["nsenter", "--target", str(record.process.number), "--all", *words]
    return subprocess.run(enter, capture_output=True, text=True, timeout=30).stdout


def banner(address: str) -> bytes:
    with socket.create_connection((address, 22), timeout=30) as connection:
        return connection.recv(64)


def processes(word: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if word in line]
