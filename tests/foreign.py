"""The exceptions that a library may raise, for tests of the seams that translate them."""

import inspect
from collections.abc import Iterable
from types import ModuleType


def exceptions(modules: Iterable[ModuleType], packages: set[str]) -> list[type[Exception]]:
    """All exception classes of those packages that the modules define or pass on, warnings aside."""
    return sorted(
        {
            found
            for module in modules
            for found in vars(module).values()
            if inspect.isclass(found)
            and issubclass(found, Exception)
            and not issubclass(found, Warning)
            and found.__module__.partition(".")[0] in packages
        },
        key=str,
    )
