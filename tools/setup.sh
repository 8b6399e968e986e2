#!/usr/bin/env bash
# Installs what is missing: a container engine from Debian's packages, and the Python packages that the
# lock files pin, into .venv. Says what it is about to install; the second time it is quick and quiet.
#
#   tools/setup.sh demo     what `provision up` on this machine needs
#   tools/setup.sh test     that, and what the tests need, the Pulumi CLI in the user's cache included
#   tools/setup.sh check    the Python packages of the tests alone; needs no root
#
# Exit codes: 0 all is there; 1 an installation failed; 2 usage; 4 refused before installing anything.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-demo}
venv=.venv
stamp=$venv/.provision-setup
log=$(mktemp -t provision-setup.XXXXXX)
trap 'rm -f "$log"' EXIT

say() { printf 'setup: %s\n' "$*" >&2; }

# One sentence that ends with the next step; nothing has been installed.
refuse() {
    say "$*"
    exit 4
}

# The same once an installation has failed: its log stays.
failed() {
    trap - EXIT
    say "$*"
    exit 1
}

# Runs something slow with a line every ten seconds that says so; its output goes to $log.
slowly() {
    local what=$1 began=$SECONDS pid
    shift
    "$@" >"$log" 2>&1 &
    pid=$!
    # A background job of a script does not get Ctrl-C by itself.
    trap 'kill "$pid" 2>/dev/null || true; wait "$pid" || true; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        if [ $((SECONDS - began)) -ge 10 ]; then
            say "still $what: $(tail -n 1 "$log" | cut -c1-70)"
            began=$SECONDS
        fi
    done
    trap - INT TERM
    wait "$pid"
}

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# The first that runs: a version manager leaves names on the path that do not.
python_of() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Helpers of Podman stand in one of these folders, not on the path.
helper() { [ -e "/usr/lib/podman/$1" ] || [ -e "/usr/libexec/podman/$1" ] || have "$1"; }

# Packages this machine lacks, by the file that shows each one is there.
missing_packages() {
    local lacking
    if [ ! -x "$venv/bin/pip" ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Not Debian's plain python3-venv: its default Python need not be the one found.
        "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
    [ "$mode" = check ] && return
    lacking=$(
        have podman || echo podman
        engine_packages
    )
    # An engine that answers, whosever it is, makes all of these needless.
    [ -z "$lacking" ] || "$python" tools/engine_answers.py || echo "$lacking"
    have ssh || echo openssh-client
    if [ "$mode" = test ]; then
        have jq || echo jq
        # What a web page may send to an emulator only a browser knows (100 MB with what it needs).
        have chromium-headless-shell || have chromium || have google-chrome || offered chromium-headless-shell
    fi
}

# What Podman needs beside itself, and mmdebstrap for where no image registry can be reached.
engine_packages() {
    # crun refuses hosts with cgroup v1 beside an unused v2.
    have runc || { have crun && [ -e /sys/fs/cgroup/cgroup.controllers ]; } || echo runc
    have iptables || echo iptables # netavark needs it and does not pull it in
    have ip || echo iproute2
    helper netavark || offered netavark
    helper aardvark-dns || offered aardvark-dns
    have mmdebstrap || echo mmdebstrap
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
    have gpg || echo gpg # mmdebstrap asks it which keyring is Debian's
}

# Prints the name unless apt knows other packages and not this one (older releases do without).
offered() {
    if apt-cache show "$1" >/dev/null 2>&1 || [ -z "$(apt-cache pkgnames podman 2>/dev/null)" ]; then echo "$1"; fi
}

# Fills the array `root` with what makes a command run as root; refuses where nothing can.
become_root() {
    root=()
    [ "$(id -u)" = 0 ] && return
    sudo -n true 2>/dev/null ||
        refuse "these packages are missing and installing them needs root: run 'sudo apt-get update && sudo apt-get install -y --no-install-recommends $*' and then this again"
    root=(sudo -n)
}

apt() {
    slowly "$1" "${root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get "${@:2}"
}

install_packages() {
    local package known=() unknown=()
    have apt-get ||
        refuse "these programs are missing: $*; install them with this system's package manager and run this again"
    become_root "$@"
    say "installing Debian packages: $* (about a minute)"
    apt "reading the package lists" update -q ||
        failed "apt-get update failed ($(apt_error)); see $log, mend it and run this again"
    for package in "$@"; do
        if apt-cache show "$package" >/dev/null 2>&1; then known+=("$package"); else unknown+=("$package"); fi
    done
    [ ${#unknown[@]} -eq 0 ] || say "this release has no ${unknown[*]}; going on without"
    [ ${#known[@]} -eq 0 ] || apt "installing ${known[*]}" install -q -y --no-install-recommends "${known[@]}" ||
        failed "apt-get could not install ${known[*]} ($(apt_error)); see $log, mend it and run this again"
}

apt_error() { grep -E '^E:' "$log" | tail -n 1; }

# What the virtual environment must have been made of to be up to date.
wanted() { printf '%s %s %s %s\n' "$1" "$(cat "$1" pyproject.toml | sha256sum | cut -d' ' -f1)" "$version" "$PWD"; }

up_to_date() {
    local found
    found=$(cat "$stamp" 2>/dev/null) || return 1
    # What the tests need includes what the demo needs.
    [ "$found" = "$(wanted requirements-dev.lock)" ] || [ "$found" = "$(wanted "$lock")" ]
}

pip() {
    slowly "installing Python packages" \
        "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --progress-bar off "$@" ||
        failed "pip failed ($(grep -iE '^ *error' "$log" | tail -n 1)); see $log, mend it and run this again"
}

install_python_packages() {
    say "installing $(grep -c == "$lock") Python packages of $lock into $venv (about a minute)"
    rm -f "$stamp"
    if [ "$("$venv/bin/python" -V 2>/dev/null)" != "$version" ] ||
        ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        rm -rf "$venv"
        slowly "making $venv" "$python" -m venv "$venv" ||
            failed "$python could not make $venv ($(tail -n 1 "$log")); see $log, mend it and run this again"
    fi
    pip --require-hashes -r "$lock"
    pip --no-deps --no-build-isolation -e .
    wanted "$lock" >"$stamp"
}

# Once for this machine: tests have a cache of their own for each run.
make_pulumi() {
    "$venv/bin/python" tools/pulumi_cli.py look >/dev/null && return
    say "making the Pulumi CLI (by its installer, else with Go: about 4 minutes, once)"
    slowly "making the Pulumi CLI" "$venv/bin/python" tools/pulumi_cli.py ||
        say "going on without the tests that need Pulumi: $(tail -n 1 "$log")"
}

case $mode in
    demo) lock=requirements.lock ;;
    test | check) lock=requirements-dev.lock ;;
    *)
        say "there is no '$mode'; run 'tools/setup.sh demo', 'test' or 'check'"
        exit 2
        ;;
esac
python=$(python_of) ||
    refuse "Python 3.11 or newer is missing; install it (on Debian 12, Ubuntu 24.04 and later: apt-get install python3) and run this again"
version=$("$python" -V)

mapfile -t packages < <(missing_packages)
[ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
up_to_date || install_python_packages
[ "$mode" != test ] || make_pulumi
