"""Machines of namespaces over one shared read-only root: a thousand fit on one host."""
