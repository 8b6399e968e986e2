"""What a user's own cloud-config may not say, because it would undo what the cluster needs.

Everything else happens beside ours (see :mod:`provision.cloudinit.merging`). What only the machine sees,
what an ``#include`` brings or a template works out there, is beyond this; merging holds against it all
the same.
"""

import json
import posixpath
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from provision.assets import asset
from provision.errors import Finding

HOST_KEYS = (
    "host keys are made by provision, so that known_hosts is right from the first connection"
)
NAMES = "a machine's name is the plan's: scheduler and SSH know it by that"
STAGES = "it decides what cloud-init does at all, ours included"
LEAVE = "leave it out"
REFUSED = {
    "ssh_keys": HOST_KEYS,
    "hostname": NAMES,
    "fqdn": NAMES,
    "preserve_hostname": NAMES,
    "prefer_fqdn_over_hostname": NAMES,
    "create_hostname_file": NAMES,
    "ssh_genkeytypes": HOST_KEYS,
    "system_info": STAGES,
    "cloud_init_modules": STAGES,
    "cloud_config_modules": STAGES,
    "cloud_final_modules": STAGES,
}
"""Keys that contradict ours whatever they say, and why."""
QUIET = {
    "no_ssh_fingerprints", "ssh", "authkey_hash", "ssh_fp_console_blacklist",
    "ssh_key_console_blacklist",
}  # fmt: skip
"""Keys about what is printed on the console, which a node without their modules leaves unprinted."""


def contradictions(
    where: str, theirs: Mapping[str, Any], ours: Mapping[str, Any], *, local: bool
) -> Iterator[Finding]:
    """What of ``theirs`` would undo ``ours``; ``local`` machines do not start again and lack modules."""
    for key in theirs:
        if key in REFUSED:
            yield Finding(where, f"{key} cannot be set: {REFUSED[key]}", LEAVE)
    if theirs.get("ssh_deletekeys") is False:
        yield Finding(where, f"ssh_deletekeys cannot be false: {HOST_KEYS}", LEAVE)
    if theirs.get("manage_etc_hosts"):
        yield Finding(
            where,
            "manage_etc_hosts would write /etc/hosts anew, without the controller's line",
            "add your lines with write_files and 'append: true'",
        )
    yield from _power(where, theirs.get("power_state"), local=local)
    yield from _users(where, theirs, ours)
    yield from _files(where, theirs, ours)
    if local:
        for key in sorted(set(theirs) & unknown_here()):
            yield Finding(
                where,
                f"{key} does nothing on this machine: a local node's cloud-init has no module for it",
                "leave it out, write a runcmd, or choose cloud: gce",
            )


def _power(where: str, state: Any, *, local: bool) -> Iterator[Finding]:
    mode = state.get("mode") if isinstance(state, Mapping) else None
    if mode in ("poweroff", "halt"):
        yield Finding(
            where, f"power_state: {mode} stops the machine, which then never joins", LEAVE
        )
    elif mode and local:
        yield Finding(
            where, f"power_state: {mode} stops a local machine, which does not start again", LEAVE
        )


def _users(where: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[Finding]:
    own = [user for user in ours.get("users", ()) if isinstance(user, Mapping)]
    names, numbers = {user["name"] for user in own}, {str(user.get("uid", "")) for user in own}
    users = theirs.get("users", [])
    if not isinstance(users, list):
        yield Finding(
            where, "users must be a list to be joined with ours", "write '- name: …' for each"
        )
        users = []
    for user in [*users, theirs.get("user", "")]:
        of = user if isinstance(user, Mapping) else {"name": user}
        if of.get("name") in names:
            yield Finding(
                where,
                f"the user {of['name']} is ours: provision logs in by it",
                "add keys to it with ssh_authorized_keys, or call yours otherwise",
            )
        elif str(of.get("uid", "no")) in numbers:
            yield Finding(
                where, f"the uid {of['uid']} is taken by our user", "give yours another uid"
            )
    groups = theirs.get("groups", [])
    listed = groups.split(",") if isinstance(groups, str) else groups
    for group in listed if isinstance(listed, list | Mapping) else []:
        for name in group if isinstance(group, Mapping) else [group]:
            if str(name).strip() in names:
                yield Finding(
                    where,
                    f"the group {str(name).strip()} is our user's own",
                    "call yours otherwise",
                )


def _files(where: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[Finding]:
    """Files of ours that theirs would write anew; what ours only appends to may be theirs before."""
    own = {
        posixpath.normpath(file["path"]): bool(file.get("append"))
        for file in ours.get("write_files", ())
    }
    files = theirs.get("write_files")
    for file in files if isinstance(files, list) else []:
        if not isinstance(file, Mapping):
            continue
        path = posixpath.normpath(str(file.get("path", "")))
        shared = own.get(path) and (file.get("append") or not file.get("defer"))
        if path in own and not shared:
            yield Finding(
                where,
                f"write_files cannot write {path}: the machine joins by ours",
                "write another file"
                if not own[path]
                else "add your lines with 'append: true', or without 'defer'",
            )


@cache
def unknown_here() -> frozenset[str]:
    """Keys of cloud-init's schema whose every module a local node's image leaves out."""
    text = asset("tools", "node-image", "etc", "cloud", "cloud.cfg").read_text(encoding="utf-8")
    image = yaml.safe_load(text)
    here = {
        name
        for stage in ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
        for name in image[stage]
    }
    schema = json.loads(asset("cloud-init", "schema", "schema-cloud-config-v1.json").read_text())
    known: set[str] = set()
    missing: set[str] = set()
    for name, of in schema["$defs"].items():
        if name.startswith("cc_"):
            keys = set(of.get("properties", {}))
            (known if name.removeprefix("cc_") in here else missing).update(keys)
    return frozenset(missing - known - set(REFUSED) - QUIET)
