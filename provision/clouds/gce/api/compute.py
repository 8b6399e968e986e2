"""google-cloud-compute by the parts that are used: a client's service is loaded when it is named.

The package as it comes imports all of its 112 services at once, more than half of the time and memory that
it takes; we call a dozen. Here it stands in ``sys.modules`` as a package whose ``__init__`` has not run
yet: clients, and what requests are made of, are looked up in its own submodules, and whatever else is asked
of it runs the ``__init__`` after all, so that it is the whole package for everybody else. (From Python 3.15
on the package does this itself: its ``__lazy_modules__``, PEP 810.)
"""

import importlib
import importlib.util
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.cloud import compute_v1 as compute_v1

NAME = "google.cloud.compute_v1"
WHOLE = ("__all__", "__version__")
"""What the package's ``__init__`` itself says, and no submodule."""
_CLIENT = re.compile(r"[A-Z]\w*Client")
_WORDS = re.compile(r"(?<!^)(?=[A-Z])")


class Lazy(ModuleType):
    """The package before its ``__init__`` has run."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in WHOLE:
            raise AttributeError(name)
        if importlib.util.find_spec(f"{NAME}.{name}"):
            return importlib.import_module(f"{NAME}.{name}")
        found = _of_service(name) if _CLIENT.fullmatch(name) else None
        found = found or (_of_types(name) if name[0].isupper() else None)
        if found is not None:
            self.__dict__[name] = found
            return found
        spec = self.__spec__
        assert spec is not None and spec.loader is not None
        spec.loader.exec_module(self)
        object.__setattr__(self, "__class__", ModuleType)
        return getattr(self, name)


def _of_service(client: str) -> Any:
    """The client of the service that is called so; None where there is none."""
    service = _WORDS.sub("_", client.removesuffix("Client")).lower()
    name = f"{NAME}.services.{service}"
    if importlib.util.find_spec(name) is None:
        return None
    return getattr(importlib.import_module(name), client, None)


def _of_types(name: str) -> Any:
    """A type of requests and resources."""
    return getattr(importlib.import_module(f"{NAME}.types.compute"), name, None)


def _package() -> ModuleType:
    if NAME in sys.modules:
        return sys.modules[NAME]
    spec = importlib.util.find_spec(NAME)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {NAME!r}", name=NAME)
    made = importlib.util.module_from_spec(spec)
    object.__setattr__(made, "__class__", Lazy)
    sys.modules[NAME] = made
    importlib.import_module("google.cloud").compute_v1 = made  # type: ignore[attr-defined]  # a namespace
    return made


if not TYPE_CHECKING:
    compute_v1 = _package()
