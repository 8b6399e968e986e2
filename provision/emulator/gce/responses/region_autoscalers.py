"""``compute.regionAutoscalers.*``: there are none."""

from provision.emulator.gce.responses.autoscalers import get, list_

__all__ = ["get", "list_"]
