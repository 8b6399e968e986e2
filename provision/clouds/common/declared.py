"""Clusters that a Pulumi stack declares: previewed, applied, destroyed, and ended from another thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provision.cloud import Change
from provision.clouds.common import stack
from provision.errors import EngineFailure, UnreadableError
from provision.events import Emit, Noted, Warned
from provision.files import Folder, Folders
from provision.provider.resource import Resource

if TYPE_CHECKING:
    from provision.engine.stack import Stack

PAST = {"create": "created", "update": "changed", "replace": "replaced", "delete": "removed"}
Program = Callable[[], None]


@dataclass
class Declared:
    """The stacks of a cloud's clusters, one operation after another.

    ``kinds`` makes the resources that the provider serves, which hear ``emit``; ``noun`` is what people
    call a kind of resource by its token; ``config`` answers what tells the provider where to work,
    ``plugin`` the module that serves the same where Pulumi is run by hand.
    """

    folders: Folders | None
    config: Callable[[], Mapping[str, str]]
    kinds: Callable[[Emit], Sequence[Resource]]
    noun: Callable[[str], str]
    plugin: str
    _now: "Stack | None" = field(default=None, init=False)

    def preview(self, cluster: str, program: Program, emit: Emit) -> list[Change]:
        """What :meth:`apply` would do."""
        changed = self._stack(cluster, program, emit).preview().changed
        return [
            Change(one.operation, self.noun(one.type), one.name, one.properties) for one in changed
        ]

    def apply(self, cluster: str, program: Program, emit: Emit) -> None:
        """What there is is read back first, so that drift is mended; a second one changes nothing."""
        made = self._stack(cluster, program, emit)

        def watch(change: Any) -> None:
            word = PAST.get(change.operation, change.operation)
            if word != "same":
                emit(Noted(text=f"{word} the {self.noun(change.type)} {change.name}"))

        if stack.exists(self._folder(cluster)) and made.exists():
            made.refresh(watch)
        made.up(watch)

    def destroy(self, cluster: str, emit: Emit) -> list[str]:
        """What the stack of this machine has made, where there is one; answers what was removed.

        A stack that fails is told: labels lead to what it leaves.
        """
        removed: list[str] = []

        def watch(change: Any) -> None:
            if change.operation == "delete":
                removed.append(change.name)
                emit(Noted(text=f"removed the {self.noun(change.type)} {change.name}"))

        if stack.exists(self._folder(cluster)):
            try:
                self._stack(cluster, stack.nothing, emit).destroy(watch, remove=True)
            except (EngineFailure, UnreadableError) as failure:
                emit(Warned(text=f"{failure.problem}; going on by labels alone"))
        return removed

    def interrupt(self) -> None:
        """End what is under way, from another thread."""
        if self._now:
            self._now.cancel()

    def _folder(self, cluster: str) -> Folder:
        assert self.folders is not None, "whoever works on a cluster hands over its folder"
        return self.folders(cluster)

    def _stack(self, cluster: str, program: Program, emit: Emit) -> "Stack":
        # First of all the kinds: they say so where a package is missing.
        kinds = self.kinds(emit)
        self._now = stack.stack_of(
            cluster, self._folder(cluster), program, kinds, self.config(), self.plugin, emit
        )
        return self._now
