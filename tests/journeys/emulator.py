"""An emulator in a process of its own, as a user starts it, and what it says of itself."""

import json
import signal
import urllib.request
from typing import Any

from tests.journeys.command import Cli

LAST = "NO_GCE_CHECK"
"""Variable whose line ends what the emulator prints."""


class Emulator:
    """``provision emulate gce`` until :meth:`end`, with operations of 0.2 s where nothing else is said."""

    def __init__(self, cli: Cli, machines: str, *words: str) -> None:
        words = ("--set", "operation=0.2", *words)
        self.process = cli.start("emulate", "gce", "--machines", machines, *words)
        assert self.process.stdout is not None
        self.environment: dict[str, str] = {}
        for line in self.process.stdout:
            name, _, value = line.strip().removeprefix("export ").partition("=")
            self.environment[name] = value
            if name == LAST:
                break
        assert LAST in self.environment, self.process.communicate()
        self.endpoint = self.environment["PROVISION_GCE_ENDPOINT"]
        self._key = {"Authorization": f"Bearer {self.environment['PROVISION_EMULATOR_TOKEN']}"}

    def control(self, path: str) -> Any:
        """What exists, what was asked, what each machine did: its ground truth."""
        request = urllib.request.Request(f"{self.endpoint}/_emulator/{path}", headers=self._key)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
        return json.loads(text) if path == "calls" else [json.loads(x) for x in text.splitlines()]

    def turn(self, **dials: Any) -> None:
        """Turn dials while it runs."""
        self._send("PATCH", "dials", dials)

    def happen(self, what: str, instance: str) -> None:
        """Let something happen to VMs by hand: crash, preempt, stop, delete."""
        self._send("POST", "happen", {"what": what, "instance": instance})

    def count(self, *methods: str) -> int:
        """How often methods such as ``networks.insert`` were called, whatever was answered."""
        calls = self.control("calls")
        return sum(sum(calls.get(f"compute.{method}", {}).values()) for method in methods)

    def created(self) -> int:
        """How many creating calls there were."""
        calls = self.control("calls")
        return sum(sum(n.values()) for name, n in calls.items() if name.endswith("nsert"))

    def end(self, patience: float = 60) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=patience)

    def _send(self, method: str, path: str, body: Any) -> None:
        request = urllib.request.Request(
            f"{self.endpoint}/_emulator/{path}", json.dumps(body).encode(), method=method,
            headers={"Content-Type": "application/json", **self._key},
        )  # fmt: skip
        urllib.request.urlopen(request, timeout=30).close()
