"""Our user-data and a user's own as one, so that cloud-init does ours and theirs.

cloud-init merges cloud-config parts in order, each into what stood before it, by the later part's own
rule; by default a list replaces the earlier list. So all of ours comes **after** theirs, with rules of
our own, and nothing of theirs (a ``merge_how`` least of all) is ever applied to ours:

1. theirs, as it is;
2. what anybody may want otherwise, where theirs does not say it;
3. our single values and mappings, over theirs, and after them the keys that may not be set at all;
4. our lists, joined to theirs: ours first, but files after theirs, so that ours stay as they are;
5. our commands as a script that runs before all scripts and commands of theirs, so that none of them
   holds it up or ends it.

Source: ``cloudinit/handlers/cloud_config.py`` and ``cloudinit/mergers/`` (25.1).
"""

import email
import shlex
from collections.abc import Mapping
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import yaml

from provision.cloudinit.contradictions import REFUSED
from provision.cloudinit.parts import CONFIG, is_message, kind_of, unpacked

BOUNDARY = "==provision-user-data=="
"""Fixed, so that the same plan renders to the same bytes."""
SOFT = ("locale", "disable_root", "ssh_pwauth", "no_ssh_fingerprints", "ssh")
"""Keys of ours that a user may want otherwise; nothing of ours needs them."""
FIRM: Mapping[str, Any] = {"manage_etc_hosts": False, "preserve_hostname": False}
"""What must hold though our templates need not say it: names, and the controller's line in /etc/hosts."""
NEVER = tuple(key for key in REFUSED if key not in FIRM and key != "ssh_keys")
"""Keys that may not be set at all; what else is refused, ours set themselves."""
COMMANDS = "runcmd"
APPENDED = ("write_files",)
"""Lists of ours that must come after theirs: of two files with one path, the last one stays."""
RULES = {
    "else": "dict(no_replace)+list()+str()",
    "set": "dict(replace)+list()+str()",
    "unset": "dict(no_replace,allow_delete)+list()+str()",
    "append": "dict(no_replace,recurse_list)+list(append)+str()",
    "prepend": "dict(no_replace,recurse_list)+list(prepend)+str()",
}
SCRIPT = "text/x-shellscript-per-instance"
SCRIPT_NAME = "00-provision"


def merged(ours: str, theirs: str) -> str:
    """Our cloud-config and the spec's own user-data, as one MIME message where there is an own one."""
    if not theirs.strip():
        return ours
    config = yaml.safe_load(ours)
    soft = {key: config.pop(key) for key in SOFT if key in config}
    # Without ours the image's own account would be there, unless theirs names users.
    soft["users"] = ["default"]
    commands = config.pop(COMMANDS, [])
    lists = {key: config.pop(key) for key, value in list(config.items()) if isinstance(value, list)}
    appended = {key: lists.pop(key) for key in APPENDED if key in lists}
    firm = {**FIRM, **config}
    whole = MIMEMultipart(boundary=BOUNDARY)
    whole.attach(_own(theirs))
    whole.attach(_config("ours-else", soft, "else"))
    # Only what is there can be taken away; so it is set before.
    whole.attach(_config("ours-set", {**firm, **dict.fromkeys(NEVER, "")}, "set"))
    whole.attach(_config("ours-unset", dict.fromkeys(NEVER), "unset"))
    whole.attach(_config("ours-append", appended, "append"))
    whole.attach(_config("ours-prepend", lists, "prepend"))
    whole.attach(_part(script(commands), SCRIPT, SCRIPT_NAME))
    return whole.as_string()


def script(commands: list[Any]) -> str:
    """Our ``runcmd`` as the script that cloud-init would make of it."""
    lines = [shlex.join(each) if isinstance(each, list) else str(each) for each in commands]
    return "\n".join(["#!/bin/sh", *lines, ""])


def _config(name: str, values: Mapping[str, Any], rule: str) -> Message:
    text = "#cloud-config\n" + yaml.safe_dump(dict(values), sort_keys=False, width=1000)
    part = _part(text, CONFIG, name)
    part.add_header("Merge-Type", RULES[rule])
    return part


def _own(theirs: str) -> Message:
    text = unpacked(theirs)
    if is_message(text):
        return email.message_from_string(text)
    return _part(text, kind_of(text) or "text/plain", "yours")


def _part(text: str, kind: str, name: str) -> Message:
    part = MIMEText(text, kind.partition("/")[2], "us-ascii" if text.isascii() else "utf-8")
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part
