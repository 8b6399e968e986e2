"""The top of the emulator knows no cloud but through its registry."""

import re
from pathlib import Path

import pytest

import provision.emulator
from provision.emulator.apis import APIS

TOP = Path(provision.emulator.__file__).parent


def test_no_module_up_here_names_a_cloud_but_the_registry() -> None:
    clouds = re.compile(rf"{'|'.join(APIS)}|google|azure", re.IGNORECASE)
    naming = {path.name for path in TOP.glob("*.py") if clouds.search(path.read_text())}
    assert naming == {"apis.py"}


@pytest.mark.parametrize("name", APIS)
def test_each_api_can_be_made_by_its_name(name: str, tmp_path: Path) -> None:
    from provision.emulator.machines import NoMachines

    kind = APIS[name]()
    made = kind.make("http://127.0.0.1:1", NoMachines(), kind.dials, ["one"])
    assert (made.name, made.url.startswith("http://127.0.0.1:1")) == (name, True)
    assert list(made.vms()) == []
    environment = kind.environment("http://127.0.0.1:1", ["one"], "secret", tmp_path)
    assert "secret" in environment.values() and "http://127.0.0.1:1" in environment.values()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]
