"""Ways to boot user-data on this host, each an implementation of ``provision.runtime``.

Importing this package imports no engine's SDK, so ``provision --help`` stays fast.
"""
