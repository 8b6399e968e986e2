"""Answers of many machines as lines: each as it comes, or equal ones told once."""

from collections.abc import Sequence

from provision.cli.words import clean
from provision.remote.fanout import HostResult
from provision.remote.nodeset import fold

FEW = 8
"""Machines whose answers are told one by one."""
RULE = "-" * 16


def lines(result: HostResult) -> list[str]:
    """One machine's answer, its name before each line."""
    said = [
        f"{result.host}: {text}"
        for text in (result.stdout + result.stderr).splitlines() or [""]
        if text or result.exit_code == 0
    ]
    return [*said, *([f"{result.host}: {_end(result, result.host)}"] if result.exit_code else [])]


def folded(results: Sequence[HostResult]) -> list[str]:
    """Equal answers once, under the machines that gave them; the most frequent first.

    (The form of ``clush -b`` and ``dshbak -c``.)
    """
    groups: dict[tuple[int, str, str], list[str]] = {}
    for result in results:
        text = clean(result.stdout + result.stderr).rstrip("\n")
        key = (result.exit_code, text, _end(result, "it") if result.exit_code else "")
        groups.setdefault(key, []).append(result.host)
    made: list[str] = []
    for (_, text, end), hosts in sorted(groups.items(), key=lambda item: -len(item[1])):
        made += [RULE, f"{fold(hosts)} ({len(hosts)})", RULE]
        made += [part for part in (text, end) if part]
    return made


def _end(result: HostResult, name: str) -> str:
    error = result.error.replace(result.host, name)
    return f"exit {result.exit_code}{': ' + error if error else ''}"
