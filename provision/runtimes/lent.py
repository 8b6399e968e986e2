"""Kernel limits that grow with the machines, and are put back when nobody needs them any more.

What they were stands in a file of this boot, so that it does not matter who ends first: the last one puts
them back, or the next one where the last was killed. What somebody else has set since is left alone.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from provision.errors import RuntimeFailure
from provision.files import acquired, read_json, write_private
from provision.runtimes import limits
from provision.runtimes.limits import SYSCTLS, KernelLimit

FOLDER = Path("/run/provision/limits")
BUSY = 10.0
"""Seconds another process may hold the file: it reads and writes a few numbers."""
Loans = Mapping[str, tuple[int, int]]
"""By name of a sysctl: what it was, and what it was raised to."""


class Lent:
    """The limits of one kind of machine, for several threads and processes at a time."""

    def __init__(
        self, needs: Sequence[KernelLimit], folder: Path = FOLDER, root: Path = SYSCTLS
    ) -> None:
        self._limits, self._folder, self._root = needs, folder, root

    def room(self, machines: int) -> dict[str, int]:
        """Make room for that many on this host; answers what had to be raised, and to what.

        Raises RuntimeFailure where this user may not.
        """
        if not self._lacking(machines):
            return {}
        with self._alone():
            wanted = self._lacking(machines)
            now, loans = limits.read(self._limits, self._root), self._loans()
            before = {name: loans[name][0] if name in loans else now[name] for name in wanted}
            # Written down first: who is killed in between has raised nothing that nobody knows of.
            new = {name: (before[name], number) for name, number in wanted.items()}
            self._write({**loans, **new})
            limits.put(wanted, self._root)
        return wanted

    def _lacking(self, machines: int) -> dict[str, int]:
        now = limits.read(self._limits, self._root)
        return {
            name: number
            for limit in self._limits
            if limit.name in now and now[limit.name] < limit.need(machines)
            for name, number in limit.settings(machines)
            if name in now and now[name] < number
        }

    def needed(self, machines: int) -> set[str]:
        """Names of what was raised and so many machines need as it is."""
        return self._needed(self._loans(), machines)

    def _needed(self, loans: Loans, machines: int) -> set[str]:
        return {
            name
            for limit in self._limits
            if limit.name in loans and loans[limit.name][0] < limit.need(machines)
            for name, _ in limit.settings(machines)
        }

    def back(self, machines: int, kept: AbstractSet[str] = frozenset()) -> dict[str, int]:
        """Put back what ``machines`` that are still here do not need; answers what, and to what.

        ``kept`` are names of what machines of another kind need.
        """
        if not self._file.exists():
            return {}
        with self._alone():
            now, loans = limits.read(self._limits, self._root), self._loans()
            ours = {name: loan for name, loan in loans.items() if now.get(name) == loan[1]}
            needed = self._needed(ours, machines) | kept
            gone = {name: before for name, (before, _) in ours.items() if name not in needed}
            limits.put(gone, self._root)
            others = {name: loan for name, loan in loans.items() if name not in now}
            self._write({**others, **{name: ours[name] for name in ours if name in needed}})
        return gone

    @property
    def _file(self) -> Path:
        return self._folder / "before.json"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            lock = acquired(self._folder / "lock", BUSY, lambda: None)
        except (OSError, TimeoutError) as error:
            step = f"see who uses {self._folder}"
            raise RuntimeFailure(
                f"the kernel's limits cannot be changed ({error})", step
            ) from error
        with lock:
            yield

    def _loans(self) -> Loans:
        """A file that cannot be read tells nothing, and nothing is put back by it."""
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            return {
                str(name): (int(before), int(after))
                for name, (before, after) in read_json(self._file).items()
            }
        return {}

    def _write(self, loans: Loans) -> None:
        try:
            if loans:
                write_private(self._file, json.dumps(loans))
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            step = f"make room in {self._folder}"
            raise RuntimeFailure(f"{self._file} cannot be written ({error})", step) from error
