"""``compute.regionInstanceTemplates.*``: templates of one region."""

from provision.emulator.gce.responses.instance_templates import delete, get, insert, list_

__all__ = ["delete", "get", "insert", "list_"]
