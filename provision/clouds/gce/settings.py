"""Where on GCE to work: project, region, zones, endpoint and credentials, each from the first that says so.

The spec (flags are merged into it), then the environment, then gcloud's active configuration, and for
the project at last the credentials themselves. gcloud's files are read, never gcloud run: that takes
most of a second (https://cloud.google.com/sdk/docs/configurations, .../sdk/docs/properties).
"""

import configparser
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provision.clouds.common.settings import (
    Said,
    endpoint_findings,
    file_findings,
    of_environment,
    plain,
)
from provision.errors import Finding, RefusedError

PROJECTS = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT", "CLOUDSDK_CORE_PROJECT")
REGIONS = ("GOOGLE_CLOUD_REGION", "CLOUDSDK_COMPUTE_REGION")
ZONES = ("CLOUDSDK_COMPUTE_ZONE",)
ENDPOINT = "PROVISION_GCE_ENDPOINT"
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
LOGIN_FILE = "application_default_credentials.json"
"""What ``gcloud auth application-default login`` writes into gcloud's folder."""

_PROJECT = re.compile(r"[a-z](?:[a-z0-9.:-]*[a-z0-9])?|\d+")
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+\d+")
_ZONE = re.compile(rf"{_REGION.pattern}-[a-z0-9]+")

FIXES = {
    "project": "set cloud.project in the spec, export GOOGLE_CLOUD_PROJECT,"
    " or run 'gcloud config set project PROJECT'",
    "region": "set cloud.region in the spec, export GOOGLE_CLOUD_REGION,"
    " or run 'gcloud config set compute/region us-central1'",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to work.

    ``zones`` are the zones machines may be put in, ``()`` all of the region; only the spec narrows
    them. ``default_zone`` is where a user's other tools work, if that is in the region: good for a
    single machine, no reason to squeeze a thousand into one zone. ``endpoint`` is '' for Google's own.
    ``credentials_file`` is None where Google's library has to look for itself, and with an emulator
    that nobody gave a key for. ``origins`` tells who said project and region.
    """

    project: str
    region: str
    zones: tuple[str, ...] = ()
    default_zone: str = ""
    endpoint: str = ""
    credentials_file: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def plain(self) -> bool:
        """Whether the endpoint is without TLS: an emulator, never Google."""
        return plain(self.endpoint)


@dataclass(frozen=True, slots=True)
class _Source:
    """What one source says; '' is nothing."""

    project: Said
    region: Said
    zones: tuple[Said, ...]


def _nobody() -> str:
    """No project at all."""
    return ""


def resolve(
    environment: Mapping[str, str], home: Path, *, project: str | None = None,
    region: str | None = None, zones: Sequence[str] = (), ambient: Callable[[], str] = _nobody,
) -> Settings:  # fmt: skip
    """Settings from the spec's values and what surrounds this process.

    ``ambient`` answers the project of credentials that are in no file (a VM's own); it is asked only
    where nothing else names one. Raises RefusedError with everything that is missing or malformed.
    """
    folder = Path(environment.get("CLOUDSDK_CONFIG") or home / ".config" / "gcloud")
    gcloud, trouble = _gcloud(environment, folder)
    sources = [_spec(project, region, zones), _environment(environment), gcloud]
    endpoint = environment.get(ENDPOINT, "").rstrip("/")
    file = _credentials_file(environment, folder, endpoint)
    findings = [*endpoint_findings(endpoint, ENDPOINT, file, CREDENTIALS)]
    findings += file_findings(file, CREDENTIALS)
    work = _project(sources, file, _nobody if plain(endpoint) else ambient)
    place = _place(sources)
    for key, said in (("project", work), ("region", place)):
        if not said.value:
            problem = f"no {key} is named" + (f" ({trouble})" if trouble else "")
            findings.append(Finding(f"cloud.{key}", problem, FIXES[key]))
    findings += _form_findings(work, place, sources[0].zones)
    if findings:
        raise RefusedError(findings)
    return Settings(
        project=work.value,
        region=place.value,
        zones=tuple(zone.value for zone in sources[0].zones),
        default_zone=_default_zone(sources[1:], place.value),
        endpoint=endpoint,
        credentials_file=file,
        origins={"project": work.origin, "region": place.origin},
    )


def region_of(zone: str) -> str:
    """``us-central1`` of ``us-central1-a``."""
    return zone.rpartition("-")[0]


def _spec(project: str | None, region: str | None, zones: Sequence[str]) -> _Source:
    return _Source(
        Said(project or "", "cloud.project"),
        Said(region or "", "cloud.region"),
        tuple(Said(zone, "cloud.zones") for zone in zones),
    )


def _environment(environment: Mapping[str, str]) -> _Source:
    project, region, zone = (
        of_environment(environment, names) for names in (PROJECTS, REGIONS, ZONES)
    )
    return _Source(project, region, (zone,) if zone.value else ())


def _gcloud(environment: Mapping[str, str], folder: Path) -> tuple[_Source, str]:
    """gcloud's active configuration, and why it could not be read."""
    nothing = _Source(Said(), Said(), ())
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        name = environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or _text(folder / "active_config")
        name = name.strip() or "default"
        # gcloud's own word for no configuration.
        file = folder / "configurations" / f"config_{name}"
        text = "" if name == "NONE" else _text(file)
        parser.read_string(text, source=f"{file}")
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        return nothing, f"gcloud's configuration cannot be read: {' '.join(str(error).split())}"

    def value(section: str, key: str) -> Said:
        return Said(parser.get(section, key, fallback="").strip(), f"{file}")

    zone = value("compute", "zone")
    said = _Source(value("core", "project"), value("compute", "region"), (zone,) * bool(zone.value))
    named = environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME", "")
    missing = bool(named) and name != "NONE" and not file.is_file()
    return said, f"gcloud has no configuration '{named}'" if missing else ""


def _text(file: Path) -> str:
    """What the file holds, '' where there is none."""
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _credentials_file(environment: Mapping[str, str], folder: Path, endpoint: str) -> Path | None:
    """The file Google's library would take; an emulator gets only a key that was meant for it."""
    if environment.get(CREDENTIALS):
        return Path(environment[CREDENTIALS])
    login = folder / LOGIN_FILE
    return login if login.is_file() and not plain(endpoint) else None


def _project(sources: Sequence[_Source], file: Path | None, ambient: Callable[[], str]) -> Said:
    for source in sources:
        if source.project.value:
            return source.project
    return Said(_project_in(file), f"{file}") if file else Said(ambient(), "the credentials")


def _project_in(file: Path) -> str:
    """A key names its project; a login may name the one its calls are billed to."""
    try:
        content = json.loads(_text(file))
    except (OSError, ValueError):
        return ""
    if not isinstance(content, dict):
        return ""
    return str(content.get("project_id") or content.get("quota_project_id") or "")


def _place(sources: Sequence[_Source]) -> Said:
    """The region of the first source that says where, be it by a zone."""
    for source in sources:
        if source.region.value:
            return source.region
        for zone in source.zones:
            return Said(region_of(zone.value) or zone.value, zone.origin)
    return Said()


def _default_zone(sources: Sequence[_Source], region: str) -> str:
    zones = (zone.value for source in sources for zone in source.zones)
    return next((zone for zone in zones if region_of(zone) == region), "")


def _form_findings(project: Said, region: Said, zones: Sequence[Said]) -> Iterator[Finding]:
    if project.value and not _PROJECT.fullmatch(project.value):
        fix = "give the project's ID, not its title; 'gcloud projects list' shows both"
        yield Finding(project.origin, f"'{project.value}' is no project ID", fix)
    shaped = [zone for zone in zones if _ZONE.fullmatch(zone.value)]
    for zone in (zone for zone in zones if zone not in shaped):
        fix = "write one like us-central1-a; 'gcloud compute zones list' shows all"
        yield Finding(zone.origin, f"'{zone.value}' is no zone", fix)
    if region.value and _ZONE.fullmatch(region.value):
        fix = f"write region {region_of(region.value)}, and the zone under cloud.zones"
        yield Finding(region.origin, f"'{region.value}' is a zone, not a region", fix)
    elif region.value and not _REGION.fullmatch(region.value) and region.origin != "cloud.zones":
        fix = "write one like us-central1; 'gcloud compute regions list' shows all"
        yield Finding(region.origin, f"'{region.value}' is no region", fix)
    elif region.value:
        for zone in (zone for zone in shaped if region_of(zone.value) != region.value):
            fix = f"name zones of {region.value} alone: a cluster stands in one region"
            yield Finding(zone.origin, f"{zone.value} is not in {region.value}", fix)
