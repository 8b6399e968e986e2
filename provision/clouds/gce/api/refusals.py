"""What GCE does not give until somebody grants it: permissions, an API, quota, capacity, addresses.

    GceFailure
    ├── Denied         a permission is missing
    ├── ApiDisabled    the project does not use Compute Engine yet
    ├── NoBilling      the project has no billing account
    ├── OverQuota      a quota's limit
    ├── StockOut       a zone has no such machines left
    └── NoAddresses    the subnetwork is full

The texts that are parsed were recorded in public projects: kubernetes/k8s.io#6380 and
GoogleCloudPlatform/cluster-toolkit#3225 (quota), hashicorp/terraform#18873 and
hashicorp/terraform-provider-google#8262 (permission), fog/fog#3996 (disabled API).
"""

import re

from provision.clouds.gce.api.answers import first, one_line
from provision.clouds.gce.api.failures import LOGIN, GceFailure

_PERMISSION = re.compile(r"Required '([a-zA-Z.]+)' permission for '([^']+)'")
_LINK = re.compile(r"https://console\.\S*[^\s.,]")
_ZONE = re.compile(r"zones/([a-z0-9-]+)")
_QUOTA = re.compile(
    r"Quota '?(?P<metric>\w+)'? exceeded\.\s+Limit: (?P<limit>\d+(?:\.\d+)?)"
    r"(?: in region (?P<region>[a-z0-9-]+))?"
)


class Denied(GceFailure):
    """A ``permission`` is missing on ``resource``; both are '' where Google does not say."""

    @property
    def permission(self) -> str:
        """As in roles: ``compute.networks.create``."""
        return first(_PERMISSION, self.said.words)

    @property
    def resource(self) -> str:
        """What it is missing on: ``projects/P/global/networks/N``."""
        found = _PERMISSION.search(self.said.words)
        return found[2] if found else ""

    def _problem(self) -> str:
        why = one_line(self.said.words)
        if self.permission:
            why = f"the permission {self.permission} is missing on {self.resource}"
        return f"GCE did not let you {self.doing} ({why})"

    def _next(self) -> str:
        if "authentication scopes" in self.said.words:
            return f"give the VM the scope cloud-platform, or sign in as yourself: {LOGIN}"
        return "ask the project's owner for a role with it (roles/compute.admin), or use another account"


class ApiDisabled(GceFailure):
    """The project does not use Compute Engine yet."""

    @property
    def api(self) -> str:
        """Its name as a service."""
        return self.said.facts.get("service", "compute.googleapis.com")

    @property
    def link(self) -> str:
        """The page that enables it."""
        given = first(_LINK, self.said.words)
        return given or f"https://console.cloud.google.com/apis/library/{self.api}"

    def _problem(self) -> str:
        return f"GCE could not {self.doing} (the project has not enabled {self.api})"

    def _next(self) -> str:
        consumer = self.said.facts.get("consumer", "").removeprefix("projects/")
        project = f" --project {consumer}" if consumer else ""
        return f"run 'gcloud services enable {self.api}{project}' or visit {self.link}"


class NoBilling(GceFailure):
    """The project has no billing account that is open."""

    def _problem(self) -> str:
        return f"GCE could not {self.doing} (the project has no open billing account)"

    def _next(self) -> str:
        return "link one at https://console.cloud.google.com/billing/projects"


class OverQuota(GceFailure):
    """More of ``metric`` than its ``limit`` in ``region``; parsed from both forms of the message."""

    @property
    def metric(self) -> str:
        """``N2_CPUS``; '' where Google does not say."""
        # Messages say CPUS, details compute.googleapis.com/cpus.
        name = self.said.facts.get("metricName", "").rpartition("/")[2].upper()
        return self._told("metric") or name

    @property
    def limit(self) -> float | None:
        """In the metric's own unit; None where Google does not say."""
        limit = self._told("limit") or self.said.facts.get("limit", "")
        return float(limit) if limit else None

    @property
    def region(self) -> str:
        """'' for the whole project."""
        return self._told("region") or self.said.facts.get("region", "")

    @property
    def family(self) -> str:
        """The machine family, for a metric with a limit for each (``CPUS_PER_VM_FAMILY``)."""
        return self.said.facts.get("vm_family", "")

    def _told(self, part: str) -> str:
        found = _QUOTA.search(self.said.words)
        return (found[part] or "") if found else ""

    def _problem(self) -> str:
        if not self.metric or self.limit is None:
            return f"GCE could not {self.doing} for want of quota ({one_line(self.said.words)})"
        what = f"{self.metric} for {self.family}" if self.family else self.metric
        place = f"in {self.region}" if self.region else "in all the project"
        return f"GCE could not {self.doing} (it takes more {what} than the quota of {self.limit:g} {place})"

    def _next(self) -> str:
        return (
            "ask for fewer nodes, or for a higher quota at"
            " https://console.cloud.google.com/iam-admin/quotas"
        )


class StockOut(GceFailure):
    """A zone has no such machines left at present."""

    @property
    def zone(self) -> str:
        """Its name; '' where Google does not say."""
        return self.said.facts.get("zone") or first(_ZONE, self.said.words)

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """Zones that Google says have some."""
        return tuple(self.said.facts.get("zonesAvailable", "").replace(",", " ").split())

    def _problem(self) -> str:
        where = f"zone {self.zone}" if self.zone else "the zone"
        return f"GCE could not {self.doing} ({where} has no such machines left at present)"

    def _next(self) -> str:
        zones = f" ({', '.join(self.elsewhere)} have some)" if self.elsewhere else ""
        return f"allow other zones{zones} or another machine type, or try again later"


class NoAddresses(GceFailure):
    """The subnetwork has no address left."""

    def _next(self) -> str:
        return "choose a larger cloud.subnet in the spec"
