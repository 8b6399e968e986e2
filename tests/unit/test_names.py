"""Names are one way and back."""

import pytest

from provision.names import few, machine_name, machine_number, short_name


@pytest.mark.parametrize("number", [1, 17, 2000, 2001, 4000, 4001, 12_345])
@pytest.mark.parametrize("per_group", [1000, 2000, 10**9])
def test_a_name_and_its_number(number: int, per_group: int) -> None:
    name = machine_name("a", "b-c", number, per_group)
    assert machine_number(name, "a", "b-c", per_group) == number


def test_the_short_name() -> None:
    assert short_name("demo", "demo-worker-0017") == "worker-0017"


def test_a_sentence_names_the_first_few_and_counts_the_rest() -> None:
    names = [f"demo-worker-{number:04d}" for number in range(1, 8)]
    assert few(names[:2], "demo") == "worker-0001, worker-0002"
    assert few(names, "demo", 3) == "worker-0001, worker-0002, worker-0003 and 4 more"
    assert few(names).count("demo-worker-") == 5 and few(names).endswith(" and 2 more")
    assert few([]) == ""
