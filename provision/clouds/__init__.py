"""The clouds a plan can go to, by kind; each is imported only when it is asked for."""

import os
from collections.abc import Mapping

from provision.cloud import Cloud, Cost
from provision.events import Emit, ignore
from provision.plan import Plan
from provision.spec.clouds import Cloud as CloudSpec
from provision.spec.clouds import GceCloud as GceSpec
from provision.spec.clouds import LocalCloud as LocalSpec
from provision.workspace import Workspace

GCE_VARIABLES = ("PROVISION_GCE_ENDPOINT", "GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT")


def cloud_of(spec: CloudSpec, emit: Emit = ignore) -> Cloud:
    """The cloud of a spec's ``cloud`` part, ready to be asked; close it after use.

    ``emit`` hears what the cloud tells by itself, such as calls that are tried again.
    """
    if isinstance(spec, GceSpec):
        from provision.clouds.gce.cloud import GceCloud

        return GceCloud(spec, emit)
    from provision.clouds.local.cloud import LocalCloud

    return LocalCloud(spec)


def words_of(spec: CloudSpec, environment: Mapping[str, str] = os.environ) -> str:
    """What people call the place; asks nobody."""
    if isinstance(spec, LocalSpec):
        return "light machines here" if spec.machines == "light" else "containers here"
    endpoint = spec.endpoint or environment.get(GCE_VARIABLES[0])
    named = (environment[name] for name in GCE_VARIABLES[1:] if environment.get(name))
    project = spec.project or next(named, "")
    more = [*([f"project {project}"] if project else []), *([endpoint] if endpoint else [])]
    return f"GCE ({', '.join(more)})" if more else "GCE"


def kept_place(cluster: str) -> CloudSpec | None:
    """Where the stack in the cluster's folder says that it is; None where there is no stack.

    Raises:
        UnreadableError: there is one, and it does not say.
    """
    if not os.path.lexists(Workspace(cluster).path("stack")):
        return None
    from provision.clouds.gce.stack import kept_place

    return kept_place(cluster)


def cost_of(plan: Plan, environment: Mapping[str, str] = os.environ) -> Cost | None:
    """What the plan's machines cost while they are up; None where nobody pays. Asks nobody."""
    if isinstance(plan.cloud, GceSpec):
        from provision.clouds.gce.account.prices import cost_of, region_of

        return cost_of(plan, region_of(plan.cloud, environment))
    return None


def places(environment: Mapping[str, str] = os.environ) -> list[CloudSpec]:
    """Where to look for clusters whose spec is not on this machine.

    GCE is one where the environment names a project or an emulator: a gcloud configuration alone is
    no reason to ask Google whenever clusters are listed.
    """
    found: list[CloudSpec] = [LocalSpec(), LocalSpec(machines="light")]
    if any(environment.get(name) for name in GCE_VARIABLES):
        found.append(GceSpec())
    return found
