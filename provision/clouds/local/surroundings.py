"""This host as a place to look for clusters, and what people call it."""

from collections.abc import Mapping

from provision.spec.clouds import LocalCloud


def words_of(spec: LocalCloud, environment: Mapping[str, str]) -> str:
    """By how its nodes boot."""
    return "light machines here" if spec.machines == "light" else "containers here"


def of_stack(config: Mapping[str, str]) -> LocalCloud | None:
    """No stack declares anything here."""
    return None


def places(environment: Mapping[str, str]) -> list[LocalCloud]:
    """Both kinds of machines of this host."""
    return [LocalCloud(), LocalCloud(machines="light")]
