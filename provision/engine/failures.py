"""The one place where exceptions of Pulumi's SDK and of what it stands on become ours."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import grpc
import grpc.aio
import yaml
from pulumi import automation
from pulumi.automation import errors

from provision.engine.changes import Complaint, Heard, name_of, type_of
from provision.engine.locks import Lock
from provision.errors import BusyError, EngineFailure, ProvisionError, RefusedError

FOREIGN: tuple[type[Exception], ...] = (
    errors.CommandError,
    errors.InvalidVersionError,
    automation.StackNotFoundError,
    grpc.RpcError,
    grpc.FutureTimeoutError,
    grpc.FutureCancelledError,
    grpc.aio.BaseError,
    # An answer of the command that is not what it should be.
    json.JSONDecodeError,
    yaml.YAMLError,
    subprocess.SubprocessError,
    OSError,
    # The SDK's own word for a preview that ended without a summary.
    RuntimeError,
)
"""Everything an operation may raise that is no bug of ours; a test walks the SDK's modules."""

WORDS = 500
"""Characters of a foreign sentence that are shown."""
SECRET = 6
"""Characters of a passphrase that is looked for in what is shown."""
AGAIN = "mend that and run it again; what was made is kept in the state"
FAULT = re.compile(r"property (?P<key>\S+) value \{.*\} has a problem: (?P<reason>.*)", re.S)
"""How the engine tells a fault that a check found; the value, which may be long, is left out."""
DOING = {
    "preview": "compare",
    "up": "change",
    "refresh": "read back",
    "destroy": "remove",
    "export": "show",
}
"""What an operation does to resources, in words."""
STEPS = {
    "create": "create",
    "update": "change",
    "delete": "delete",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "read": "read",
    "refresh": "read back",
}
"""What a step does to one resource, by Pulumi's word for it."""


@dataclass(frozen=True, slots=True)
class About:
    """What an error is about: the stack, where its state is, and what must never be shown."""

    name: str
    state: str
    operation: str
    secrets: Sequence[str] = field(default=(), repr=False)
    original: Callable[[str], Exception | None] = lambda _urn: None
    """The exception behind what the engine was told about a URN."""


def translate(error: Exception, heard: Heard, about: About) -> Exception:
    """The error of ours that says what the foreign one, and the events before it, say.

    Behind a resource that failed may be a bug in its kind; then that is the answer.
    """
    complaint = first(heard)
    if complaint is not None and complaint.urn:
        return _of_resource(complaint, heard, about)
    text = complaint.text if complaint else said(error)
    why = shown(_last_error(text), about.secrets)
    words = {"name": about.name, "state": about.state, "why": why}
    for pattern, problem, step in KNOWN:
        if re.search(pattern, text, re.I):
            return EngineFailure(problem.format(**words), step.format(**words))
    return EngineFailure(f"Pulumi could not {DOING[about.operation]} {about.name} ({why})", AGAIN)


KNOWN = (
    (
        r"incorrect passphrase|could not decrypt|message authentication failed",
        "the passphrase is not the one that the state of {name} was made with",
        "use the one that {name} was brought up with: it is kept with its keys",
    ),
    (
        r"passphrase must be set",
        "the state of {name} has secrets and no passphrase was given",
        "use the one that {name} was brought up with: it is kept with its keys",
    ),
    (
        r"no stack named|stack not found",
        "there is no state of {name} in {state}",
        "see that this is where it was brought up, or remove what there is by its labels",
    ),
    (
        r"failed to load checkpoint|could not deserialize|snapshot integrity|unexpected end of JSON",
        "the state of {name} in {state} cannot be read ({why})",
        "put a copy back (Pulumi keeps the one before beside it, with .bak at its end)",
    ),
    (
        r"code: -(?:9|15)\b",
        "the Pulumi CLI was killed while it worked on {name}",
        "run it again to go on from what there is",
    ),
)
"""Sentences of the command, and what they mean to a user."""


def first(heard: Heard) -> Complaint | None:
    """The error that came first about a resource, else a resource without one, else any error."""
    with_words = [one for one in heard.complaints if one.urn]
    without = [Complaint(urn, "no reason given") for urn in heard.failed]
    return next(iter([*with_words, *without, *heard.complaints]), None)


def _of_resource(complaint: Complaint, heard: Heard, about: About) -> Exception:
    original = about.original(complaint.urn)
    if original is not None and not isinstance(original, ProvisionError):
        return original
    if isinstance(original, RefusedError):
        return original  # it says all that there is to say, and nothing was made
    causes = [shown(_plain(one.text), about.secrets) for one in heard.complaints]
    step = original.next_step if original else ""
    why = original.problem if original else _plain(complaint.text)
    doing = STEPS.get(heard.failed.get(complaint.urn, ""), DOING[about.operation])
    others = len({one.urn for one in heard.complaints if one.urn} - {complaint.urn})
    more = f", and {others} more like it" if others else ""
    failure = EngineFailure(
        f"could not {doing} {kind_of(complaint.urn)} {name_of(complaint.urn)}{more} "
        f"({shown(why, about.secrets)})",
        shown(step, about.secrets) or AGAIN,
        causes,
    )
    failure.__cause__ = original
    return failure


def _plain(text: str) -> str:
    """A complaint without what the engine puts around the fault that a check found."""
    found = FAULT.search(text)
    return f"{found['key']} {found['reason']}" if found else text


def kind_of(urn: str) -> str:
    """The last word of a resource's token, in lower case: ``network``."""
    return type_of(urn).rpartition(":")[2].lower()


def locked(name: str, lock: Lock, folder: str) -> BusyError:
    """Somebody else holds the stack: who, where and since when."""
    return BusyError(
        name,
        f"Pulumi of {lock.user} on {lock.host}",
        lock.pid,
        lock.since,
        f"wait for it to end; if it is surely gone, run 'pulumi cancel --stack {name}' in {folder}",
    )


def said(error: Exception) -> str:
    """All that a foreign exception has to say."""
    return str(error) or type(error).__name__


def _last_error(text: str) -> str:
    """The last line that says ``error:``, else the last line."""
    # As the SDK puts an error: its exit code, what it printed, and what it complained.
    words = re.sub(r"^ (?:code: \S+|stdout:|stderr:)", "", text, flags=re.M)
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    named = [line.partition("error:")[2].strip() for line in lines if "error:" in line]
    return (named or lines or ["no reason given"])[-1]


def shown(text: str, secrets: Sequence[str]) -> str:
    """Text on one line, not too long, without any of the secrets and without a traceback."""
    for secret in secrets:
        # What is shorter is no secret, and part of many a word.
        text = text.replace(secret, "***") if len(secret) >= SECRET else text
    text = " ".join(text.partition("Traceback (most recent call last)")[0].split())
    return text if len(text) <= WORDS else text[: WORDS - 3] + "..."
