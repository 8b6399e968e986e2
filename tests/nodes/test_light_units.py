"""A light machine's stand-in for systemd: units that end, are started again, wait, and are asked after."""

import itertools
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from provision.events import ignore
from provision.runtime import MachineRuntime
from provision.runtimes.light.records import MACHINES, Records
from tests.nodes.conftest import Make, booted
from tests.nodes.test_light_runtime import script


@pytest.fixture
def kind() -> str:
    return "light"


def units(**files: str) -> str:
    """User-data's ``write_files`` for these units and programs, by name."""
    entries = []
    for name, text in files.items():
        path = (
            f"/opt/{name}.py"
            if text.startswith("import")
            else f"/etc/systemd/system/{name}.service"
        )
        body = "\n".join(f"      {line}" for line in text.strip().splitlines())
        entries.append(f"  - path: {path}\n    content: |\n{body}\n")
    return "write_files:\n" + "".join(entries)


def console(runtime: MachineRuntime, boot: Make, config: str, *lines: str) -> list[str]:
    """What these lines say, one after the other, in a machine that has these units."""
    body = "\n".join(lines)
    told = f"echo BEGIN\n{body}\necho END\n"
    config += "".join(
        [
            "  - path: /opt/told\n    content: |\n",
            *(f"      {line}\n" for line in told.splitlines()),
        ]
    )
    runtime.start(
        [boot(0, user_data=script("sh /opt/told >/dev/console 2>&1", config=config))], ignore
    )
    whole = booted(runtime, boot(0).name)
    found = re.search(r"^BEGIN$(.*?)^END$", whole, re.DOTALL | re.MULTILINE)
    assert found, whole
    return found[1].strip().splitlines()


UP = "Type=exec\nExecStart=/bin/sleep 1000"


def test_a_killed_service_is_active_again_within_seconds(
    runtime: MachineRuntime, boot: Make
) -> None:
    said = console(
        runtime, boot,
        units(keep=f"[Service]\nRestart=on-failure\nRestartSec=300ms\n{UP}", drop=f"[Service]\n{UP}"),
        "systemctl start keep drop",
        "systemctl kill -s KILL keep; systemctl kill --signal=9 drop; sleep 0.1",
        "systemctl is-active keep drop; systemctl is-failed drop",
        "sleep 1",
        "systemctl is-active keep; systemctl show -p NRestarts --value keep",
        "systemctl show drop -p Result,ExecMainStatus",
        "systemctl kill -s TERM keep; sleep 0.6; systemctl is-active keep",
        "systemctl reset-failed; systemctl is-active drop",
    )  # fmt: skip
    assert said == [
        "activating", "failed", "failed", "active", "1", "Result=signal", "ExecMainStatus=9",
        "inactive", "inactive",
    ]  # fmt: skip


def test_pauses_grow_and_a_limit_of_starts_is_kept(runtime: MachineRuntime, boot: Make) -> None:
    fails = "[Service]\nType=exec\nRestart=always\nExecStart=/bin/sh -c 'date +%s.%N >>/run/{0}; exit 3'\n"
    grows = "RestartSec=100ms\nRestartSteps=3\nRestartMaxDelaySec=800ms\n"
    said = console(
        runtime, boot,
        units(
            often=fails.format("often") + "RestartSec=20ms",
            grows="[Unit]\nStartLimitIntervalSec=0\n" + fails.format("grows") + grows,
        ),
        "systemctl start often grows; sleep 3.2; echo so far",
        "wc -l </run/often; systemctl is-active often; systemctl show -p Result --value often",
        "systemctl is-active grows; systemctl stop grows; cat /run/grows",
        "sleep 1; wc -l </run/grows; systemctl is-active grows",
    )  # fmt: skip
    said = said[said.index("so far") + 1 :]
    assert said[:3] == ["5", "failed", "start-limit-hit"]
    times = [float(line) for line in said[4:-2]]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert [round(pause - 0.02, 1) for pause in pauses[:4]] == [0.1, 0.2, 0.4, 0.8]
    assert said[-2:] == [f"{len(times)}", "inactive"], "what was stopped stays so"


WAITS = "[Service]\nType=notify\nRestart=always\nRestartSec=200ms\nExecStart=/bin/sleep 1000\n"


def test_a_start_has_as_long_as_its_unit_says(runtime: MachineRuntime, boot: Make) -> None:
    said = console(
        runtime, boot,
        units(short=WAITS + "TimeoutStartSec=500ms", long=WAITS + "TimeoutStartSec=infinity"),
        "systemctl start short 2>/dev/null; echo $?",
        "systemctl show -p Result,SubState --value short",
        "systemctl stop short; systemctl is-active short",
        "t=$(date +%s%N); systemctl --no-block start long; echo $((($(date +%s%N) - t) / 300000000))",
        "sleep 0.5; systemctl is-active long; systemctl stop long; systemctl is-active long",
        "sleep 0.5; pgrep -c sleep",
    )  # fmt: skip
    assert said == ["1", "timeout", "auto-restart", "inactive", "0", "activating", "inactive", "0"]


ANEW = """\
import os, socket, sys, time
def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(os.environ["NOTIFY_SOCKET"])
        s.send(text.encode())
if len(sys.argv) == 1:
    tell("READY=1")
    time.sleep(0.7)
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, __file__, "again"])
    time.sleep(0.5)
else:
    tell(f"MAINPID={os.getpid()}")
    open("/run/anew", "w").write(str(os.getpid()))
    time.sleep(1000)
"""


def test_a_service_that_executes_itself_anew_stays_active(
    runtime: MachineRuntime, boot: Make
) -> None:
    said = console(
        runtime, boot,
        units(self="[Service]\nType=notify\nExecStart=/usr/bin/python3 /opt/anew.py\n", anew=ANEW),
        "systemctl start self; a=$(systemctl show -p MainPID --value self); sleep 2",
        "b=$(systemctl show -p MainPID --value self); systemctl is-active self",
        'test "$b" = "$(cat /run/anew)" && test "$a" != "$b" && ! kill -0 $a 2>/dev/null && echo followed',
        "systemctl stop self; kill -0 $b 2>/dev/null || echo ended",
    )  # fmt: skip
    assert said == ["active", "followed", "ended"]


def test_what_it_does_not_know_it_refuses(runtime: MachineRuntime, boot: Make) -> None:
    said = console(
        runtime, boot, units(keep=f"[Service]\n{UP}"),
        "systemctl mask munge; systemctl start munge; echo $?; systemctl is-enabled munge",
        "systemctl unmask munge; systemctl is-enabled munge",
        "systemctl kill -s NOTHING keep; echo $?", "systemctl show -p Nice keep; echo $?",
        "systemctl kill keep; echo $?", "systemctl --user start keep; echo $?",
        "systemctl set-property keep CPUQuota=1; echo $?",
    )  # fmt: skip
    assert said == [
        "Unit munge.service is masked.", "1", "masked", "disabled",
        "systemctl: a light machine knows no NOTHING", "1",
        "systemctl: a light machine knows no property 'Nice'", "1",
        "keep.service: has no main process", "1", "systemctl: a light machine knows no --user", "1",
        "systemctl: a light machine knows no 'set-property'; it has no systemd", "1",
    ]  # fmt: skip


def test_what_scripts_of_real_nodes_call_is_known(runtime: MachineRuntime, boot: Make) -> None:
    quick = f"[Service]\n{UP}\nExecReload=/bin/sh -c 'echo $MAINPID >/run/told'\n"
    said = console(
        runtime, boot, units(keep=quick, idle=quick),
        "systemctl daemon-reload; echo $?; systemctl cat keep | head -2",
        "systemctl try-restart idle; systemctl is-active idle; systemctl is-enabled keep; echo $?",
        "systemctl reload-or-restart keep; systemctl is-active keep",
        "p() { systemctl show -p MainPID --value keep; }; a=$(p); systemctl reload-or-restart keep",
        "test $a = $(p) && test $a = $(cat /run/told) && echo reloaded",
        "systemctl try-restart keep; systemctl is-active keep; test $a != $(p) && echo anew",
        "systemctl enable keep; systemctl is-enabled keep; systemctl show -p ActiveState,SubState keep",
        "systemctl list-units; echo $?; systemctl list-unit-files; echo $?; systemctl edit keep; echo $?",
        "systemctl stop keep; systemctl reload keep; echo $?",
    )  # fmt: skip
    refused = "systemctl: a light machine knows no '{}'; it has no systemd"
    assert said == [
        "0", "# /etc/systemd/system/keep.service", "[Service]", "inactive", "disabled", "1",
        "active", "reloaded", "active", "anew", "enabled", "ActiveState=active", "SubState=running",
        refused.format("list-units"), "1", refused.format("list-unit-files"), "1",
        refused.format("edit"), "1", "keep.service: is not active, cannot reload", "1",
    ]  # fmt: skip


def test_pid_1_rests_when_the_last_writer_of_its_console_has_gone(
    runtime: MachineRuntime, boot: Make
) -> None:
    runtime.start([boot(0)], ignore)
    booted(runtime, boot(0).name)
    record = Records().get(MACHINES, boot(0).name)
    assert record and record.process
    init = "exec /usr/lib/light/light-init machine lonely 3<&0 4>/dev/null"
    inner = f"mount -t tmpfs none /run && true | {init}"
    enter = ["nsenter", "--target", f"{record.process.number}", "--all"]
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inner]
    found: list[str] = []
    with subprocess.Popen([*enter, *apart], stdin=subprocess.DEVNULL) as child:
        try:
            time.sleep(2)
            found = subprocess.run(["pgrep", "-f", "^/usr/lib/light/light-init machine lonely"],
                                   capture_output=True, text=True).stdout.split()  # fmt: skip
            assert len(found) == 1
            fields = Path(f"/proc/{found[0]}/stat").read_text().rpartition(")")[2].split()
            assert int(fields[11]) + int(fields[12]) <= 5, "hundredths of a second of two"
        finally:
            for each in found:
                os.kill(int(each), signal.SIGKILL)
            child.kill()


def test_pid_1_rests_while_nothing_happens(runtime: MachineRuntime, boot: Make) -> None:
    said = console(
        runtime, boot, units(keep=f"[Service]\nRestart=always\n{UP}", wait=WAITS),
        "systemctl start keep; systemctl --no-block start wait; systemctl kill -s KILL keep; sleep 0.6",
        "used() { awk '{print $14 + $15}' /proc/1/stat; }; a=$(used); sleep 2; echo $(($(used) - a))",
        "s=$(cat /run/light/wait.starting); awk '{print $14 + $15}' /proc/$s/stat; systemctl stop wait",
    )  # fmt: skip
    assert said == ["0", "0"]
