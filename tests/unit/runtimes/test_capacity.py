"""Findings about this host, from facts alone."""

from pathlib import Path

import pytest

from provision.errors import RuntimeFailure
from provision.runtime import HostCheck
from provision.runtimes import capacity, limits
from provision.runtimes.capacity import Facts
from provision.runtimes.container import host as container
from provision.runtimes.light import host as light

NEEDS = container.NEEDS
KINDS = [container.NEEDS, light.NEEDS]
AMPLE = {limit.name: 10**7 for limit in NEEDS.limits}


def facts(**changes: object) -> Facts:
    fields: dict[str, object] = {
        "available_mib": 24_000,
        "free_disk_mib": 80_000,
        "storage": "/var/lib/containers",
        "sysctls": AMPLE,
        "existing": 0,
        "has_image": True,
        "busy_ports": {},
    }
    return Facts(**{**fields, **changes})  # type: ignore[arg-type]  # each field's own type


def found(checks: list[HostCheck]) -> dict[str, str]:
    return {check.name: str(check.finding) for check in checks if check.finding}


def test_an_ample_host_has_no_findings() -> None:
    assert found(capacity.judge(NEEDS, facts(), 101)) == {}


def test_memory_says_how_many_fit() -> None:
    short = found(
        capacity.judge(NEEDS, facts(available_mib=NEEDS.reserve_mib + 11 * NEEDS.each_mib), 12)
    )
    assert list(short) == ["memory"]
    assert "11 machines fit" in short["memory"]
    assert "ask for 10 nodes and their controller" in short["memory"]


def test_as_many_as_fit_do_fit() -> None:
    exact = facts(available_mib=NEEDS.reserve_mib + 12 * NEEDS.each_mib)
    assert found(capacity.judge(NEEDS, exact, 12)) == {}


def test_disk_counts_the_image_that_is_still_to_be_built() -> None:
    exact = NEEDS.image_disk_mib
    assert found(capacity.judge(NEEDS, facts(free_disk_mib=exact), 9)) == {}
    short = found(capacity.judge(NEEDS, facts(free_disk_mib=exact, has_image=False), 9))
    assert "0 machines fit" in short["disk"]


def test_a_bridge_takes_a_thousand() -> None:
    assert "network" not in found(
        capacity.judge(NEEDS, facts(available_mib=10**6), NEEDS.per_network)
    )
    assert "network" in found(
        capacity.judge(NEEDS, facts(available_mib=10**6), NEEDS.per_network + 1)
    )


@pytest.mark.parametrize(
    ("name", "value", "few", "many"),
    [
        ("fs.inotify.max_user_instances", 128, 30, 36),
        ("kernel.keys.maxkeys", 200, 101, 1000),
        ("net.ipv4.neigh.default.gc_thresh3", 1024, 101, 400),
        ("kernel.pid_max", 32_768, 400, 1000),
    ],
)
def test_the_kernels_defaults_do_for_few_only(name: str, value: int, few: int, many: int) -> None:
    assert found(limits.checks(NEEDS.limits, {name: value}, few, few)) == {}
    finding = found(limits.checks(NEEDS.limits, {name: value}, many, many))[name]
    assert f"{name} is {value}" in finding
    assert f"provision doctor --nodes {many - 1} --fix" in finding
    assert f"{name}=" in finding.partition("sysctl -w")[2]


def test_machines_that_run_already_count() -> None:
    values = {**AMPLE, "fs.inotify.max_user_instances": 128}
    assert found(capacity.judge(NEEDS, facts(sysctls=values), 20)) == {}
    assert found(capacity.judge(NEEDS, facts(sysctls=values, existing=20), 20)) != {}


def test_the_fix_raises_and_never_lowers(tmp_path: Path) -> None:
    low, high = tmp_path / "kernel" / "low", tmp_path / "kernel" / "high"
    low.parent.mkdir()
    low.write_text("5\n")
    high.write_text("500\n")
    limits.apply([("kernel.low", 50), ("kernel.high", 50)], tmp_path)
    assert (low.read_text(), high.read_text()) == ("50\n", "500\n")


def test_a_fix_that_is_refused_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match=r"sudo sysctl -w kernel\.none=50"):
        limits.apply([("kernel.none", 50)], tmp_path)


@pytest.mark.parametrize("needs", KINDS)
def test_every_fix_suffices_for_its_own_need(needs: capacity.Needs) -> None:
    for limit in needs.limits:
        for machines in (1, 1000, 50_000):
            assert dict(limit.settings(machines))[limit.name] >= limit.need(machines)


def test_busy_ports_are_findings() -> None:
    text = found(capacity.judge(NEEDS, facts(busy_ports={2222: "address already in use"}), 2))[
        "port 2222"
    ]
    assert "port 2222 of 127.0.0.1 cannot be published (address already in use)" in text
    assert "ss -ltnp" in text


def test_meminfo() -> None:
    assert capacity.available_mib("MemTotal: 9 kB\nMemAvailable:   2048000 kB\n") == 2000
    assert capacity.available_mib("") == 0
