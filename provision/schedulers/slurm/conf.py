"""Settings of Slurm's that a user wants otherwise: what may not be set, and what slurmctld said of them.

Pure. They stand in slurm.conf after ours; of a key that is given twice slurmctld takes the last (its
error log says "specified more than once, latest value used", 24.11).
"""

import re
from collections.abc import Iterator
from itertools import islice

from provision.errors import Finding

WHERE = "slurm.conf"
CLUSTER = "the cluster is known by it, on machines and in labels"
DAEMONS = "the machines' units, files and addresses are set up for ours"
SECRET = "machines believe each other by the munge key that they are given"
KEPT = {
    "clustername": CLUSTER,
    "slurmctldhost": CLUSTER,
    "controlmachine": CLUSTER,
    "slurmctldport": DAEMONS,
    "slurmdport": DAEMONS,
    "slurmuser": DAEMONS,
    "slurmctldpidfile": DAEMONS,
    "slurmdpidfile": DAEMONS,
    "statesavelocation": DAEMONS,
    "authtype": SECRET,
    "credtype": SECRET,
    "cryptotype": SECRET,
    "include": "the file it names is on no machine",
}
"""Keys that are ours alone, in small letters, and why."""
NEEDED = {"slurmctldparameters": "enable_configless", "selecttype": "select/cons_tres"}
"""Keys that may be given anew, and what their value must have."""
FINDINGS = 10
EXPECTED = re.compile(r"specified more than once, latest value used|munged|MailProg")
"""What slurmctld says of any such file, or of where it is tried."""
COMMAND = """\
install -d -o munge -g munge /run/munge /var/lib/munge /var/log/munge
install -o munge -g munge -m 400 /dev/null /etc/munge/munge.key
head -c 128 /dev/urandom >/etc/munge/munge.key
setpriv --reuid munge --regid munge --clear-groups munged
install -d -o slurm -g slurm /var/lib/slurm /var/lib/slurm/slurmctld /var/log/slurm
slurmctld -D -i >/tmp/said 2>&1 &
for try in $(seq 300); do
  kill -0 $! 2>/dev/null || break
  grep -qs 'Running as primary controller' /var/log/slurm/slurmctld.log && exit 0
  sleep 0.1
done
cat /tmp/said
exit 1
"""
"""Starts slurmctld over a slurm.conf: 0 once it is a controller, else 1 and what it said."""
AT_LINE = re.compile(r"Parse error in file \S+ line (\d+)")


def keys_of(conf: str) -> list[tuple[int, str, str]]:
    """Each setting: its line, its first key in small letters, and the rest of its line."""
    found = []
    for number, line in enumerate(conf.splitlines(), start=1):
        text = line.partition("#")[0].strip()
        key, _, value = text.partition("=") if "=" in text else text.partition(" ")
        if text:
            found.append((number, key.strip().lower(), value.strip()))
    return found


def faults(conf: str) -> list[Finding]:
    """What of these settings cannot be, whatever slurmctld thinks of it."""
    return list(islice(_faults(conf), FINDINGS))


def _faults(conf: str) -> Iterator[Finding]:
    if any(not _plain(character) for character in conf):
        yield Finding(WHERE, "it has characters that are no text", "write plain lines")
    for number, key, value in keys_of(conf):
        if key in KEPT:
            yield Finding(WHERE, f"line {number}: {key} cannot be set: {KEPT[key]}", "leave it out")
        elif key in NEEDED and NEEDED[key] not in value.lower().split(","):
            yield Finding(
                WHERE,
                f"line {number}: {key} must have {NEEDED[key]}: without it no node joins",
                f"add {NEEDED[key]} to it",
            )


def _plain(character: str) -> bool:
    return character in "\n\t" or (character.isprintable() and ord(character) <= 0xFFFF)


def judged(conf: str, whole: str, said: str) -> list[Finding]:
    """What slurmctld refused of ``conf``, the end of the ``whole`` file; ``said`` is what it printed."""
    ours = len(whole.splitlines()) - len(conf.rstrip("\n").splitlines())
    lines = [line.partition(": ")[2] for line in said.splitlines() if line.startswith("slurmctld:")]
    errors = [
        line.partition(": ")[2]
        for line in lines
        if line.startswith(("error:", "fatal:")) and not EXPECTED.search(line)
    ]
    words = [error for error in errors if not error.startswith("Unable to process")] or errors
    at = next((int(found[1]) - ours for e in words if (found := AT_LINE.search(e))), 0)
    number = at or _line_of(conf, " ".join(words))
    text = conf.splitlines()[number - 1].strip() if 0 < number <= len(conf.splitlines()) else ""
    place = f"line {number} ({text[:80]})" if text else "it"
    why = "; ".join(dict.fromkeys(AT_LINE.sub("parse error", error)[:160] for error in words[:3]))
    return [Finding(WHERE, f"slurmctld does not take {place}: {why or 'it ended'}", "correct it")]


def _line_of(conf: str, words: str) -> int:
    """The line whose key or value slurmctld names; 0 where it names none."""
    low = words.lower().replace("looking at all files", "")
    for number, key, value in keys_of(conf):
        named = [key, *(word for word in re.split(r"[\s,=]+", value.lower()) if len(word) > 2)]
        if any(re.search(rf"(?<![\w/]){re.escape(word)}(?![\w])", low) for word in named):
            return number
    return 0
