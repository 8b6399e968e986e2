"""External addresses, which are never routed."""

from provision.emulator.external import External


def test_external_addresses_come_back() -> None:
    pool = External()
    first, second = pool.take(), pool.take()
    pool.give(first)
    assert (first, second, pool.take()) == ("198.18.0.2", "198.18.0.3", "198.18.0.2")
