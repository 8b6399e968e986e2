"""The engine is tried once, and its answer remembered only where it was good."""

from pathlib import Path
from typing import Any

from provision.runtimes.container import probe


def test_tried_once_and_nothing_stays(engine: Any, tmp_path: Path) -> None:
    assert probe.check(engine, tmp_path, has_image=True).detail == "works"
    assert engine.here == {}
    created = len(engine.configs)
    assert probe.check(engine, tmp_path, has_image=True).finding is None
    assert len(engine.configs) == created


def test_a_failure_is_a_finding_and_is_tried_again(engine: Any, tmp_path: Path) -> None:
    engine.exit_code = 125
    finding = probe.check(engine, tmp_path, has_image=True).finding
    assert finding is not None
    assert finding.where == "host: container start"
    assert "ended with 125" in finding.problem
    assert "iptables" in finding.fix
    engine.exit_code = 0
    assert probe.check(engine, tmp_path, has_image=True).detail == "works"


def test_without_the_image_there_is_nothing_to_try(engine: Any, tmp_path: Path) -> None:
    assert "not built yet" in probe.check(engine, tmp_path, has_image=False).detail
    assert engine.configs == {}
