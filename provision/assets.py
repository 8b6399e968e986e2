"""The project's data folders, found from a checkout and from an installed wheel alike."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent
_WHEEL = _PACKAGE / "_assets"


def asset(*parts: str) -> Path:
    """Path of a file or folder below the top level, such as ``asset("cloud-init", "slurm")``."""
    root = _WHEEL if _WHEEL.is_dir() else _CHECKOUT
    return root.joinpath(*parts)


def program_of(cloud: str) -> Callable[..., None]:
    """The Pulumi program of ``stacks/CLOUD/program.py``."""
    name = f"provision_stack_{cloud}"
    found = importlib.util.spec_from_file_location(name, asset("stacks", cloud, "program.py"))
    assert found is not None and found.loader is not None, "the file is part of the project"
    module: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    program: Callable[..., None] = module.program
    return program
