"""Folders and files of the machines' root that both sides of a boot know."""

GUEST, RECORDS = "/opt/provision", "/opt/records"
"""Where the zygote finds its own code and the records of machines and networks."""
SCRATCH = "/mnt/machine"
"""Where a machine mounts its writable layer, in its own mount namespace."""
INIT = "/usr/lib/light/light-init"
"""PID 1 of machines and the holder of networks; made from tools/node-image/light/init.c."""
SYSTEMCTL = "/usr/lib/light/light-systemctl"
