"""What ``provision emulate set`` makes of its words."""

import pytest

from provision.emulator.asking import parse
from provision.errors import UsageError


def test_paths_become_nested_changes_and_values_json_or_text() -> None:
    settings = {
        "boot": "20..40",
        "capacity.us-central1-a.*": "0",
        "rates.reads": "null",
        "die": '{"share": 1}',
    }
    assert parse(settings) == {
        "boot": "20..40",
        "capacity": {"us-central1-a": {"*": 0}},
        "rates": {"reads": None},
        "die": {"share": 1},
    }


def test_a_dial_that_is_set_twice() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse({"boot": "1", "boot.x": "2"})
