"""Machines from afar: one connection, many hosts at once, files both ways, names of nodes."""
