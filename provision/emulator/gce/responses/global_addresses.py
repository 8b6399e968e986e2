"""``compute.globalAddresses.*``: the methods of addresses, outside any region."""

from provision.emulator.gce.responses.addresses import delete, get, insert, list_, set_labels

__all__ = ["delete", "get", "insert", "list_", "set_labels"]
