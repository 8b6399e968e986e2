"""Real things are made here, so the ledger is open; see tests/ledger.py."""

from tests.ledger import ledger

__all__ = ["ledger"]
