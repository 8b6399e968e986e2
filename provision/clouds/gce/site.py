"""Where on GCE a spec leads, looked up once: settings, client, place, and what speaks against it."""

import math
import os
import threading
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from provision.cloud import Limit
from provision.clouds.gce.api.signin import ambient_project
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place, place_of
from provision.clouds.gce.settings import ENDPOINT, Settings, resolve
from provision.errors import Finding, RefusedError
from provision.events import Emit
from provision.failures import ServiceFailure
from provision.plan import Plan, PlannedMachine
from provision.spec.clouds import GceCloud as GceSpec

LAST_PATIENCE = 5.0
"""Seconds for each call once the user has stopped the work."""


class Site:
    """Nothing is looked up before it is asked for. ``emit`` hears of calls that are tried again."""

    def __init__(self, spec: GceSpec, emit: Emit) -> None:
        self._spec, self._emit = spec, emit
        self.stop, self.until = threading.Event(), math.inf
        self._placed: Place | None = None

    @cached_property
    def settings(self) -> Settings:
        """As spec, environment and gcloud's configuration say. Raises RefusedError."""
        environment = dict(os.environ)
        if self._spec.endpoint:
            environment[ENDPOINT] = self._spec.endpoint
        spec = self._spec
        return resolve(
            environment, Path.home(), project=spec.project, region=spec.region, zones=spec.zones,
            ambient=ambient_project,
        )  # fmt: skip

    @cached_property
    def gce(self) -> Gce:
        """For everything but the stack's provider, which is stopped by itself."""
        return Gce(self.settings, self._emit, until=self.until)

    def client_of_stack(self, emit: Emit) -> Gce:
        """For the stack's provider: a wish to stop ends what it waits for."""
        return Gce(self.settings, emit, stop=self.stop, until=self.until)

    def resolved_spec(self) -> GceSpec:
        """The spec with project, region and endpoint filled in."""
        settings = self.settings
        found = {"project": settings.project, "region": settings.region}
        return self._spec.model_copy(update={**found, "endpoint": settings.endpoint or None})

    def within(self, seconds: float) -> None:
        """For every call and every operation, the provider's included."""
        self.until = time.monotonic() + seconds
        if "gce" in self.__dict__:
            self.gce.calls.until = self.until

    def interrupt(self) -> None:
        """End a wait for an operation, from another thread; nobody waits long for what comes after."""
        self.stop.set()
        if "gce" in self.__dict__:
            self.gce.calls.patience = LAST_PATIENCE

    def close(self) -> None:
        """Let go of connections."""
        if "gce" in self.__dict__:
            self.gce.close()

    def place_of(self, plan: Plan) -> Place:
        """Where the cluster stands. Raises RefusedError with all that is wrong with it."""
        wrong: list[Finding] = []
        place = self._located(plan, wrong)
        if place is None or wrong:
            raise RefusedError(wrong)
        return place

    def check(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Finding]:
        """Everything of docs/gce.md, "What is checked first"."""
        from provision.clouds.gce import checks

        found: list[Finding] = []
        try:
            place = self._located(plan, found)
            if place is not None:
                found += checks.findings(self.gce, place, plan, missing, self._emit)
        except RefusedError as error:
            found += error.findings
        except ServiceFailure as failure:
            found += checks.failed([failure])
        return found

    def headroom(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
        """The quotas of region and project."""
        from provision.clouds.gce import checks

        try:
            return checks.headroom(self.gce, self.place_of(plan), plan, missing)
        except ServiceFailure as failure:
            raise RefusedError([*checks.failed([failure])]) from failure

    def _located(self, plan: Plan, wrong: list[Finding]) -> Place | None:
        """Where the cluster stands, looked up once; what is wrong with it is added to ``wrong``."""
        if self._placed is None:
            cloud = self.resolved_spec()
            types = {cloud.controller_type}.union(*(group.machine_types for group in plan.groups))
            place = place_of(self.gce, cloud, wrong, types, self._emit)
            if wrong:
                return place
            self._placed = place
        return self._placed
