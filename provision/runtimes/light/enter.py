"""Becomes the zygote: a mount namespace whose root is the image's, and the image's own Python in it.

``python -m provision.runtimes.light.enter ROOT STATE SLOTS``; imports the standard library alone, so
that it starts quickly.
"""

import os
import sys
from pathlib import Path

from provision.runtimes.light.guest import kernel
from provision.runtimes.light.guest.places import GUEST, RECORDS

PYTHON = "/usr/bin/python3"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": GUEST,
    "LANG": "C.UTF-8",
}


def main(root: str, state: str, slots: str) -> None:
    """Never comes back. Raises OSError where this host does not allow it."""
    code = Path(kernel.__file__).parents[1]
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount(root, root, flags=kernel.MS_BIND)
    kernel.mount(str(code), root + GUEST, flags=kernel.MS_BIND)
    kernel.mount(state, root + RECORDS, flags=kernel.MS_BIND)
    kernel.mount("proc", root + "/proc", "proc")
    kernel.mount(root, root, flags=kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY)
    kernel.pivot_root(root)
    os.execve(PYTHON, [PYTHON, "-B", "-m", "guest", RECORDS, slots], ENVIRONMENT)


if __name__ == "__main__":
    main(*sys.argv[1:])
