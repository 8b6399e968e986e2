"""What GCE said, without its library's wrapping, and what its error codes mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Answer:
    """Why something failed, in Google's words on one line (``words``).

    ``status`` is HTTP's, 0 without an answer; ``reason`` as in ``error.errors[].reason``
    (``alreadyExists``); ``codes`` are those of an operation's errors; ``facts`` the details Google
    names (``google.rpc.ErrorInfo``, ``QuotaExceededInfo``). ``retry_after`` is in seconds, None where
    nothing was said. ``tries`` were made within ``seconds``.
    """

    words: str
    status: int = 0
    reason: str = ""
    codes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    tries: int = 1
    seconds: float = 0.0


class Cause(StrEnum):
    """Why a managed group or an operation could not create a VM."""

    STOCK_OUT = "stock-out"
    QUOTA = "quota"
    ADDRESSES = "addresses"
    PERMISSION = "permission"
    CONDITION = "condition"
    OTHER = "other"


_CAUSES = {
    "RESOURCE_POOL_EXHAUSTED": Cause.STOCK_OUT,
    "INSUFFICIENT_CAPACITY": Cause.STOCK_OUT,
    "QUOTA": Cause.QUOTA,
    "IP_SPACE_EXHAUSTED": Cause.ADDRESSES,
    "PERMISSION": Cause.PERMISSION,
    "CONDITION_NOT_MET": Cause.CONDITION,
}


def classify(code: str) -> Cause:
    """The cause behind the ``code`` of an operation's error, of ``lastAttempt`` or of ``listErrors``.

    By substring, as cluster-autoscaler does (kubernetes/autoscaler
    cluster-autoscaler/cloudprovider/gce/autoscaling_gce_client.go): Google adds endings to its codes.
    """
    return next((cause for part, cause in _CAUSES.items() if part in code), Cause.OTHER)


def one_line(text: str, most: int = 300) -> str:
    """The text without line breaks, at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."


def first(pattern: re.Pattern[str], text: str) -> str:
    """The first match, or its group where the pattern has one; '' for none."""
    found = pattern.search(text)
    return found[min(1, pattern.groups)] if found else ""
