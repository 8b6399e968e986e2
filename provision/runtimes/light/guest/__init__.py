"""What runs inside the node image's own Python: it makes machines and executes their user-data.

Imports the standard library and cloud-init only, and nothing of ``provision``: it is bound into the
image's root and started there by :mod:`provision.runtimes.light.enter`.
"""
