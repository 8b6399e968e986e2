"""This machine as a cloud: nodes are booted by a runtime of this host."""
