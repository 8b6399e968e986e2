"""Every command as plain data: what the help shows, and which module holds the command.

``provision --help`` is answered from here alone. This module and what it imports must stay light:
no click, no dataclasses, nothing that is not loaded when Python starts.
"""


class Command:
    """One line of the table. ``module`` stands in ``provision.cli`` and defines ``run``."""

    __slots__ = ("example", "group", "module", "name", "text")

    def __init__(self, name: str, group: str, text: str, example: str, module: str = "") -> None:
        self.name, self.group, self.text, self.example = name, group, text, example
        self.module = f"provision.cli.{module or name}"


COMMANDS = (
    Command("init", "Start", "write a spec, from three questions", "init demo.yaml"),
    Command("validate", "Start", "check a spec; creates nothing", "validate demo.yaml"),
    Command("schema", "Start", "print the JSON Schema of a spec", "schema > provision.schema.json"),
    Command("plan", "Start", "show what a spec would create", "plan demo.yaml --output json"),
    Command("quota", "Start", "compare a spec with the quotas", "quota demo.yaml --cloud gce"),
    Command("render", "Start", "print the user-data of a role", "render demo.yaml --role worker"),
    Command("up", "Start", "bring a cluster up, and prove it", "up inventories/demo.yaml"),
    Command("list", "Look", "list the clusters", "list", "list_"),
    Command("status", "Look", "show a cluster and its nodes", "status demo"),
    Command("logs", "Look", "print what a node said at boot", "logs demo worker-0001"),
    Command(
        "inventory", "Look", "write the nodes for other tools", "inventory demo --format ansible"
    ),
    Command("run", "Work", "run a command on all nodes", "run demo -- uptime"),
    Command("cp", "Work", "copy a file to all nodes, or back", "cp demo data.csv :/tmp/"),
    Command("ssh", "Work", "log in to a node", "ssh demo worker-0001"),
    Command("drain", "Work", "take nodes out of service", "drain demo worker-0001"),
    Command("resume", "Work", "put nodes back into service", "resume demo worker-0001"),
    Command("scale", "Change", "change the number of nodes", "scale demo 16"),
    Command("repair", "Change", "replace nodes that are down", "repair demo"),
    Command("down", "Change", "remove a cluster without a trace", "down demo"),
    Command("emulate", "Host", "a GCE on this machine", "emulate gce --port 8080"),
    Command("doctor", "Host", "check this machine, and mend it", "doctor --fix"),
    Command("completion", "Host", "print a shell's completion script", "completion bash"),
)
COMPLETE = "_PROVISION_COMPLETE"
"""The variable by which a shell asks for completions; click fixes its form."""
BY_NAME = {command.name: command for command in COMMANDS}

HEAD = """\
Usage: provision COMMAND [OPTIONS] ...

Bring up a cluster of machines that join a scheduler by themselves, prove that
it runs work, and take it down without a trace.
"""
FOOT = """
Options
  --help         show this, or the help of a command: provision up --help
  --version      show the version

Exit codes: 0 done, 1 failed, 2 usage or bad spec, 3 ready but incomplete,
4 refused before creating anything, 70 bug, 130 interrupted.
"""


def help_text() -> str:
    """The help of the whole program: the commands in groups, each with one example."""
    lines, group = [HEAD], ""
    for command in COMMANDS:
        if command.group != group:
            note = "" if group else "for example: provision …"
            group = command.group
            lines.append(f"\n{group:<49}{note}".rstrip(" ") + "\n")
        lines.append(f"  {command.name:<11}{command.text:<36}{command.example}\n")
    return "".join([*lines, FOOT])
