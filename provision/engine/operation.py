"""One operation on a stack while it runs: the SDK's objects for it, and what is heard of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pulumi import automation
from pulumi.automation import StackNotFoundError

from provision.engine.changes import Heard
from provision.engine.command import PulumiCommand
from provision.engine.program import Program
from provision.engine.workdir import PROJECT, Workdir


class Served(Protocol):
    """A provider that runs in this process; ``provision.provider.server.Attached`` is one."""

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""

    def stop_soon(self) -> None:
        """Tell the calls that run that the user wants to stop."""

    def failure(self, urn: str) -> Exception | None:
        """The exception behind what it told the engine about a resource."""

    def discard(self, token: str, inputs: Mapping[str, Any]) -> str | None:
        """Delete what a create with these inputs may have made; its id, None for nothing.

        Raises ``NotImplementedError`` where it cannot know.
        """


class _Quick(automation.Stack):
    """The SDK's stack without the three commands it runs after each operation for its result.

    Ours is taken from the events; and one of those commands prints the secrets to a pipe.
    """

    def __init__(self, name: str, workspace: automation.Workspace) -> None:
        # Not super().__init__(): it would select or make the stack, which is done where it is said.
        self.name, self.workspace = name, workspace

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: FBT001, FBT002  # the SDK's
        return automation.UpdateSummary("", datetime.now(UTC), "", {}, {}, "succeeded")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation while it runs."""

    workdir: Workdir
    command: PulumiCommand
    served: Served
    heard: Heard
    program: Program

    def stack(self, *, create: bool = False) -> automation.Stack:
        """The SDK's stack, selected, or else made where it may be."""
        workspace = automation.LocalWorkspace(
            work_dir=str(self.workdir.folder),
            env_vars=self._environment(),
            secrets_provider="passphrase",
            pulumi_command=self.command,
        )
        try:
            workspace.select_stack(self.workdir.name)
        except StackNotFoundError:
            if not create:
                raise
            workspace.create_stack(self.workdir.name)
        return _Quick(self.workdir.name, workspace)

    def say(self, *words: str) -> str:
        """Run a command about the stack; answers what it prints."""
        arguments = [*words, "--stack", self.workdir.name]
        folder = str(self.workdir.folder)
        return str(self.command.run(arguments, folder, self._environment()).stdout)

    def _environment(self) -> dict[str, str]:
        debug = {"PULUMI_DEBUG_PROVIDERS": f"{PROJECT}:{self.served.port}"}
        return {**self.workdir.environment(), **debug}
