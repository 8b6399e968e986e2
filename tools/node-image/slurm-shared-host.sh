#!/bin/sh
# Runs as root before slurmctld starts. User-data for a cloud's machines asks Slurm for what only a machine
# of its own has; where this image's machines are containers or light ones, its place is taken here:
#   proctrack, task, cgroup   there is no cgroup tree that could be written to
#   TreeWidth                 nodes that share two cores start a step up to ten seconds apart; a child's end
#                             then reaches its parent in the tree before the parent has begun, is sent round
#                             it, and the parent waits a minute for it: no tree
set -eu
test -w /sys/fs/cgroup/cgroup.procs && exit 0
exec sed -i -e 's,^ProctrackType=.*,ProctrackType=proctrack/linuxproc,' \
    -e 's,^TaskPlugin=.*,TaskPlugin=task/none,' -e 's,^TreeWidth=.*,TreeWidth=65533,' \
    -e 's,^CgroupPlugin=.*,CgroupPlugin=disabled,' /etc/slurm/slurm.conf /etc/slurm/cgroup.conf
