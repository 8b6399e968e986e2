"""This host's quota: memory, disk, kernel limits, addresses and ports."""

from collections.abc import Sequence

from provision.errors import Finding
from provision.plan import Plan, PlannedMachine
from provision.runtime import MachineRuntime
from provision.spec.clouds import LocalCloud as LocalSpec


def findings(
    runtime: MachineRuntime, plan: Plan, missing: Sequence[PlannedMachine], fresh: bool
) -> list[Finding]:
    """What this host lacks for the missing machines; ``fresh``: its network does not exist yet."""
    spec = plan.cloud
    ports = [spec.ssh_port] if fresh and isinstance(spec, LocalSpec) and spec.ssh_port else []
    checks = runtime.check(len(missing), ports)
    found = [check.finding for check in checks if check.finding]
    if fresh and not any(finding.where == "host: container engine" for finding in found):
        owner = runtime.taken(plan.subnet, plan.network)
        if owner:
            found.append(
                Finding(
                    "cloud.subnet",
                    owner,
                    "set another in the spec: cloud: {kind: local, subnet: …}",
                )
            )
    return found
