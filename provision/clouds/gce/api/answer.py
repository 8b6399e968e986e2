"""What Google's error codes mean, and what its sentences name: a quota, a permission, a zone.

The texts that are read were recorded in public projects: kubernetes/k8s.io#6380 and
GoogleCloudPlatform/cluster-toolkit#3225 (quota), hashicorp/terraform#18873 and
hashicorp/terraform-provider-google#8262 (permission), fog/fog#3996 (disabled API).
"""

import re
from collections.abc import Mapping

from provision.clouds.gce.service import GCE
from provision.failures import Cause

_CAUSES = {
    "RESOURCE_POOL_EXHAUSTED": Cause.STOCK_OUT,
    "INSUFFICIENT_CAPACITY": Cause.STOCK_OUT,
    "QUOTA": Cause.QUOTA,
    "IP_SPACE_EXHAUSTED": Cause.ADDRESSES,
    "PERMISSION": Cause.PERMISSION,
    "CONDITION_NOT_MET": Cause.CONDITION,
}
_RESOURCE = re.compile(r"'(?:https://[^' ]*/v1/)?(projects/[^' ]+)'")
_PROJECT = re.compile(r"projects/[^/]+")
_PERMISSION = re.compile(
    r"Required '(?P<permission>[a-zA-Z.]+)' permission for '(?P<resource>[^']+)'"
)
_LINK = re.compile(r"https://console\.\S*[^\s.,]")
_ZONE = re.compile(r"zones/([a-z0-9-]+)")
_QUOTA = re.compile(
    r"Quota '?(?P<metric>\w+)'? exceeded\.\s+Limit: (?P<limit>\d+(?:\.\d+)?)"
    r"(?: in region (?P<region>[a-z0-9-]+))?"
)
API = "compute.googleapis.com"


def classify(code: str) -> Cause:
    """The cause behind the ``code`` of an operation's error, of ``lastAttempt`` or of ``listErrors``.

    By substring, as cluster-autoscaler does (kubernetes/autoscaler
    cluster-autoscaler/cloudprovider/gce/autoscaling_gce_client.go): Google adds endings to its codes.
    """
    return next((cause for part, cause in _CAUSES.items() if part in code), Cause.OTHER)


def facts_of(words: str, details: Mapping[str, str]) -> dict[str, str]:
    """``details`` (of ErrorInfo and QuotaExceededInfo) with what a sentence of Google's names.

    Under the names that the failures of any cloud read; of both forms of the quota's message what the
    sentence says counts first.
    """
    quota, permission = _QUOTA.search(words), _PERMISSION.search(words)
    named = {
        "resource": first(_RESOURCE, words),
        "zone": first(_ZONE, words),
        # Messages say CPUS, details compute.googleapis.com/cpus.
        "metric": details.get("metricName", "").rpartition("/")[2].upper(),
        "family": details.get("vm_family", ""),
        "elsewhere": details.get("zonesAvailable", "").replace(",", " "),
        "api": details.get("service", API),
    }
    found = {**named, **details}
    for told in (quota, permission):
        found |= {key: value for key, value in (told.groupdict() if told else {}).items() if value}
    return {key: value for key, value in found.items() if value}


def fix_of_not_found(words: str) -> str:
    """Where it is the project itself that is not there."""
    if _PROJECT.fullmatch(first(_RESOURCE, words)):
        return "check the project's ID; 'gcloud projects list' shows those you may use"
    return ""


def fix_of_denied(words: str) -> str:
    """Where it is the VM that may not, whoever asks."""
    if "authentication scopes" in words:
        return f"give the VM the scope cloud-platform, or sign in as yourself: {GCE.login}"
    return ""


def fix_of_disabled(words: str, facts: Mapping[str, str]) -> str:
    """The command and the page that enable an API, as Google gives it."""
    api, consumer = facts.get("api", API), facts.get("consumer", "").removeprefix("projects/")
    project = f" --project {consumer}" if consumer else ""
    link = first(_LINK, words) or f"https://console.cloud.google.com/apis/library/{api}"
    return f"run 'gcloud services enable {api}{project}' or visit {link}"


def first(pattern: re.Pattern[str], text: str) -> str:
    """The first match, or its group where the pattern has one; '' for none."""
    found = pattern.search(text)
    return found[min(1, pattern.groups)] if found else ""
