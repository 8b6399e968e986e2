"""Names are one way and back."""

import pytest

from provision.names import machine_name, machine_number, short_name


@pytest.mark.parametrize("number", [1, 17, 2000, 2001, 4000, 4001, 12_345])
@pytest.mark.parametrize("per_group", [1000, 2000, 10**9])
def test_a_name_and_its_number(number: int, per_group: int) -> None:
    name = machine_name("a", "b-c", number, per_group)
    assert machine_number(name, "a", "b-c", per_group) == number


def test_the_short_name() -> None:
    assert short_name("demo", "demo-worker-0017") == "worker-0017"
