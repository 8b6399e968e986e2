"""Where to work: every source, their order, and everything that is missing at once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provision.clouds.gce.settings import Settings, resolve
from provision.errors import Finding, RefusedError

Resolve = Callable[..., Settings]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Resolve:
    """``resolve`` with an environment given as upper-case keywords."""

    def call(**given: Any) -> Settings:
        environment = {name: value for name, value in given.items() if name.isupper()}
        spec = {name: value for name, value in given.items() if not name.isupper()}
        return resolve(environment, home, **spec)

    return call


def gcloud(home: Path, text: str, name: str = "default", active: str | None = None) -> Path:
    """gcloud's files as gcloud writes them; answers their folder."""
    folder = home / ".config" / "gcloud"
    (folder / "configurations").mkdir(parents=True, exist_ok=True)
    (folder / "configurations" / f"config_{name}").write_text(text)
    if active is not None:
        (folder / "active_config").write_text(active)
    return folder


def refused(settings: Resolve, **given: Any) -> list[Finding]:
    with pytest.raises(RefusedError) as caught:
        settings(**given)
    return list(caught.value.findings)


FULL = (
    "[core]\naccount = me@example.com\nproject = of-gcloud\n"
    "[compute]\nregion = us-east1\nzone = us-east1-b\n"
)


def test_the_spec_comes_first(settings: Resolve, home: Path) -> None:
    gcloud(home, FULL)
    found = settings(
        project="of-spec", region="europe-west4", zones=["europe-west4-a", "europe-west4-b"],
        GOOGLE_CLOUD_PROJECT="of-env", GOOGLE_CLOUD_REGION="us-west1",
    )  # fmt: skip
    assert (found.project, found.region) == ("of-spec", "europe-west4")
    assert found.zones == ("europe-west4-a", "europe-west4-b")
    assert found.default_zone == ""
    assert found.origins == {"project": "cloud.project", "region": "cloud.region"}


@pytest.mark.parametrize(
    ("names", "wins"),
    [(["GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT", "CLOUDSDK_CORE_PROJECT"], "GOOGLE_CLOUD_PROJECT"),
     (["GOOGLE_PROJECT", "CLOUDSDK_CORE_PROJECT"], "GOOGLE_PROJECT"),
     (["CLOUDSDK_CORE_PROJECT"], "CLOUDSDK_CORE_PROJECT")],
)  # fmt: skip
def test_then_the_environment(settings: Resolve, home: Path, names: list[str], wins: str) -> None:
    gcloud(home, FULL)
    found = settings(**{name: name.lower().replace("_", "-") for name in names})
    assert found.project == wins.lower().replace("_", "-")
    assert found.origins["project"] == wins


def test_then_gcloud(settings: Resolve, home: Path) -> None:
    folder = gcloud(home, FULL)
    found = settings()
    assert (found.project, found.region, found.default_zone) == (
        "of-gcloud",
        "us-east1",
        "us-east1-b",
    )
    assert found.zones == ()
    assert found.origins["project"] == f"{folder}/configurations/config_default"


def test_gclouds_active_configuration(settings: Resolve, home: Path, tmp_path: Path) -> None:
    gcloud(home, FULL)
    gcloud(home, "[core]\nproject = of-work\n[compute]\nzone = asia-east1-a\n", "work", "work\n")
    found = settings()
    assert (found.project, found.region, found.default_zone) == (
        "of-work",
        "asia-east1",
        "asia-east1-a",
    )
    assert settings(CLOUDSDK_ACTIVE_CONFIG_NAME="default").project == "of-gcloud"
    other = gcloud(tmp_path / "elsewhere", FULL.replace("of-gcloud", "of-elsewhere"))
    assert settings(CLOUDSDK_CONFIG=f"{other}").project == "of-elsewhere"


def test_a_region_follows_from_a_zone(settings: Resolve, home: Path) -> None:
    gcloud(home, FULL)
    assert settings(project="p", zones=["us-west1-a"]).region == "us-west1"
    found = settings(CLOUDSDK_COMPUTE_ZONE="us-south1-ai1b")
    assert (found.region, found.zones, found.default_zone) == ("us-south1", (), "us-south1-ai1b")
    found = settings(CLOUDSDK_COMPUTE_ZONE="us-west1-a", CLOUDSDK_COMPUTE_REGION="us-east1")
    assert (found.region, found.default_zone) == ("us-east1", "us-east1-b")


def key(path: Path, **content: str) -> str:
    path.write_text(json.dumps({"type": "service_account", **content}))
    return f"{path}"


def test_at_last_the_credentials_own_project(settings: Resolve, home: Path, tmp_path: Path) -> None:
    file = key(tmp_path / "key.json", project_id="of-key")
    found = settings(region="us-east1", GOOGLE_APPLICATION_CREDENTIALS=file)
    assert (found.project, found.credentials_file) == ("of-key", Path(file))
    folder = gcloud(home, "")
    key(folder / "application_default_credentials.json", quota_project_id="of-login")
    found = settings(region="us-east1")
    assert (found.project, found.origins["project"]) == ("of-login", f"{found.credentials_file}")
    gcloud(home, FULL)
    assert settings(GOOGLE_APPLICATION_CREDENTIALS=file).project == "of-gcloud"


def test_a_vm_knows_its_project(settings: Resolve) -> None:
    found = settings(region="us-east1", ambient=lambda: "of-vm")
    assert (found.project, found.credentials_file) == ("of-vm", None)


def test_an_emulator_gets_only_a_key_that_is_meant_for_it(
    settings: Resolve, home: Path, tmp_path: Path
) -> None:
    folder = gcloud(home, FULL)
    key(folder / "application_default_credentials.json")
    assert settings().credentials_file
    at = "http://127.0.0.1:8080"
    found = settings(PROVISION_GCE_ENDPOINT=f"{at}/")
    assert (found.endpoint, found.plain, found.credentials_file) == (at, True, None)
    file = key(tmp_path / "key.json")
    found = settings(PROVISION_GCE_ENDPOINT=at, GOOGLE_APPLICATION_CREDENTIALS=file)
    assert found.credentials_file == Path(file)
    [finding] = refused(
        settings, PROVISION_GCE_ENDPOINT="http://10.0.0.9:8080", GOOGLE_APPLICATION_CREDENTIALS=file
    )
    assert "unencrypted" in finding.problem


def test_an_emulators_project_is_not_asked_of_the_vm_this_runs_on(settings: Resolve) -> None:
    def never() -> str:
        raise AssertionError("the metadata server was asked")

    findings = refused(settings, PROVISION_GCE_ENDPOINT="http://127.0.0.1:1", ambient=never)
    assert [finding.where for finding in findings] == ["cloud.project", "cloud.region"]


def test_all_that_is_missing_is_said_at_once(settings: Resolve) -> None:
    findings = refused(
        settings, PROVISION_GCE_ENDPOINT="127.0.0.1:8080", GOOGLE_APPLICATION_CREDENTIALS="/no/key"
    )
    assert {finding.where: finding.problem for finding in findings} == {
        "PROVISION_GCE_ENDPOINT": "'127.0.0.1:8080' is no address of a server",
        "GOOGLE_APPLICATION_CREDENTIALS": "there is no file /no/key",
        "cloud.project": "no project is named",
        "cloud.region": "no region is named",
    }
    assert all(finding.fix for finding in findings)


MALFORMED: list[tuple[dict[str, Any], str, str]] = [
    ({"project": "My Project"}, "cloud.project", "'My Project' is no project ID"),
    ({"GOOGLE_CLOUD_PROJECT": "A"}, "GOOGLE_CLOUD_PROJECT", "'A' is no project ID"),
    ({"region": "us-central1-a"}, "cloud.region", "'us-central1-a' is a zone, not a region"),
    ({"region": "Iowa"}, "cloud.region", "'Iowa' is no region"),
    ({"CLOUDSDK_COMPUTE_ZONE": "a"}, "CLOUDSDK_COMPUTE_ZONE", "'a' is no region"),
    ({"zones": ["us-central1"]}, "cloud.zones", "'us-central1' is no zone"),
    ({"region": "us-east1", "zones": ["us-east1-b", "us-west1-a"]}, "cloud.zones",
     "us-west1-a is not in us-east1"),
    ({"zones": ["us-east1-b", "us-west1-a"]}, "cloud.zones", "us-west1-a is not in us-east1"),
    ({"PROVISION_GCE_ENDPOINT": "http://127.0.0.1:8080/compute/v1"}, "PROVISION_GCE_ENDPOINT",
     "'http://127.0.0.1:8080/compute/v1' is no address of a server"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "where", "problem"), MALFORMED)
def test_what_is_malformed_is_said_with_its_origin(
    settings: Resolve, home: Path, given: dict[str, Any], where: str, problem: str
) -> None:
    gcloud(home, FULL)
    found = refused(settings, **given)
    assert [(finding.where, finding.problem) for finding in found] == [(where, problem)]


def test_a_broken_gcloud_matters_only_where_it_is_needed(settings: Resolve, home: Path) -> None:
    gcloud(home, "project = before any section\n")
    assert settings(project="p", region="us-east1").project == "p"
    findings = refused(settings)
    assert all("gcloud's configuration cannot be read" in each.problem for each in findings)
    assert all("\n" not in each.problem for each in findings)
    [finding] = refused(settings, region="us-east1", CLOUDSDK_ACTIVE_CONFIG_NAME="work")
    assert finding.problem == "no project is named (gcloud has no configuration 'work')"
    assert len(refused(settings, CLOUDSDK_ACTIVE_CONFIG_NAME="NONE")) == 2


def test_a_key_that_is_no_json_names_no_project(settings: Resolve, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    for content in ("{", "[]", '"x"'):
        file.write_text(content)
        given = {"region": "us-east1", "GOOGLE_APPLICATION_CREDENTIALS": f"{file}"}
        assert [finding.where for finding in refused(settings, **given)] == ["cloud.project"]
