"""Exceptions of Google's libraries become ours; the libraries they come from are loaded with the first.

``exceptions`` knows them all, and for that imports Google's core, protobuf and gRPC: a third of a second
that a call which succeeds does without.
"""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a foreign exception into one of ours; ``doing`` names the call: ``create the network n``."""
    try:
        yield
    except Exception as error:
        from provision.clouds.gce.api import exceptions

        if isinstance(error, exceptions.FOREIGN):
            raise exceptions.translate(doing, error) from error
        raise
