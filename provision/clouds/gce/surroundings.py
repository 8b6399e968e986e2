"""What surrounds this process says of GCE: whether to look there, and where; asks nobody."""

from collections.abc import Mapping

from pydantic import ValidationError

from provision.spec.clouds import GceCloud

VARIABLES = ("PROVISION_GCE_ENDPOINT", "GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT")


def words_of(spec: GceCloud, environment: Mapping[str, str]) -> str:
    """With the project and the endpoint, as far as spec and environment name them."""
    endpoint = spec.endpoint or environment.get(VARIABLES[0])
    named = (environment[name] for name in VARIABLES[1:] if environment.get(name))
    project = spec.project or next(named, "")
    more = [*([f"project {project}"] if project else []), *([endpoint] if endpoint else [])]
    return f"GCE ({', '.join(more)})" if more else "GCE"


def of_stack(config: Mapping[str, str]) -> GceCloud | None:
    """The place that a stack's settings name; None where they name none of GCE's."""
    try:
        said = {key: config[key] for key in ("project", "region")}
        return GceCloud.model_validate({**said, "endpoint": config.get("endpoint")})
    except (ValidationError, KeyError):
        return None


def places(environment: Mapping[str, str]) -> list[GceCloud]:
    """One where the environment names a project or an emulator.

    A gcloud configuration alone is no reason to ask Google whenever clusters are listed.
    """
    return [GceCloud()] if any(environment.get(name) for name in VARIABLES) else []
