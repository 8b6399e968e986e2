"""Bring up clusters of a thousand machines, joined to a scheduler, and take them down without a trace."""

__version__ = "0.1.0"
