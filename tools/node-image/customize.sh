#!/bin/sh
# Turns a minimal Debian 13 into the node image. Runs as root inside the image while it is built.
#
# Booting costs CPU and a host boots many nodes at once, so whatever can be done once is done here
# and whatever does nothing in a container is masked.
set -eu

here=$(dirname "$0")
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# --- packages -------------------------------------------------------------------------------------
# No service may start (or be started later by its package) while the image is built.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
cat >/etc/dpkg/dpkg.cfg.d/90-node-image <<'EOF'
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
EOF
apt-get update -q
sed 's/#.*//' "$here/packages.txt" |
    xargs apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /usr/sbin/policy-rc.d

# --- identity -------------------------------------------------------------------------------------
# What must differ from node to node comes with the user-data; it must not be in the image.
rm -f /etc/ssh/ssh_host_* /etc/munge/munge.key
rm -f /var/lib/dbus/machine-id
: >/etc/machine-id
echo 'LANG=C.UTF-8' >/etc/default/locale

# The login of every node, as a cloud's image has one. Its key comes with the user-data.
useradd --uid 2000 --create-home --shell /bin/bash --comment 'provision' provision
install -d -m 0700 -o provision -g provision /home/provision/.ssh
printf 'provision ALL=(ALL) NOPASSWD:ALL\n' >/etc/sudoers.d/90-provision
chmod 0440 /etc/sudoers.d/90-provision

# --- services -------------------------------------------------------------------------------------
# The user-data starts these, once it has written their configuration.
systemctl disable slurmctld.service slurmd.service munge.service

# Hardware, consoles, timers and first-boot work that a container does not have.
sed -e 's/#.*//' -e '/^ *$/d' "$here/masked-units.txt" | while read -r unit; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
# Generators run before anything else at every boot; none of these finds anything in a container.
install -d /etc/systemd/system-generators
for generator in /usr/lib/systemd/system-generators/*; do
    ln -sf /dev/null "/etc/systemd/system-generators/${generator##*/}"
done
# D-Bus is started by its socket, when something asks for it; logins are never forbidden at boot.
rm -f /usr/lib/systemd/system/multi-user.target.wants/dbus.service
ln -s /dev/null /etc/tmpfiles.d/systemd-nologin.conf
# cloud-init's own generator only decides whether cloud-init runs. Here it always does.
install -d /etc/systemd/system/multi-user.target.wants
ln -s /usr/lib/systemd/system/cloud-init.target /etc/systemd/system/multi-user.target.wants/
echo 'f /run/cloud-init/enabled 0644 root root -' >/etc/tmpfiles.d/cloud-init-enabled.conf
ln -sf /usr/lib/systemd/system/multi-user.target /etc/systemd/system/default.target

cp -r "$here/etc/." /etc/
install -D -m 0755 "$here/slurm-shared-host.sh" /usr/lib/node-image/slurm-shared-host

# --- caches ---------------------------------------------------------------------------------------
# Byte code for everything Python imports at boot, checked by hash so that a copy with other
# timestamps stays valid.
python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3 /usr/lib/python3.13 ||
    true
ldconfig
