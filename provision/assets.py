"""The project's data folders, found from a checkout and from an installed wheel alike."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent
_WHEEL = _PACKAGE / "_assets"


def asset(*parts: str) -> Path:
    """Path of a file or folder below the top level, such as ``asset("cloud-init", "slurm")``."""
    root = _WHEEL if _WHEEL.is_dir() else _CHECKOUT
    return root.joinpath(*parts)
