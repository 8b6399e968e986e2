"""Break the pure and dangerous modules a little at a time, and count what the unit tests notice.

Usage: make mutants            (all of the modules in pyproject's [tool.mutmut]; about an hour of one core)
       python tools/mutants.py 'provision.plan*'      (those alone; what was tried before is kept, and
                                                       is to be removed when modules have moved)

Prints a line a module and the names of what nobody noticed: `.venv/bin/mutmut show NAME` shows each.
Exit code 1 below the goal.
"""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

GOAL = 0.85
"""Share of the mutants that the tests notice."""
NOTICED = {"killed", "timeout", "suspicious", "segfault", "caught by type check"}
MUTMUT = str(Path(sys.executable).with_name("mutmut"))


def told(lines: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Of each module, its mutants and how each ended; those that were not tried are left out."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in lines:
        name, _, ended = line.strip().partition(": ")
        if "__mutmut_" in name and ended != "not checked":
            found[name.partition(".x")[0]].append((name, ended))
    return found


def main(patterns: list[str]) -> int:
    """Run, then print."""
    run = subprocess.run([MUTMUT, "run", *patterns], check=False)
    if run.returncode:
        return run.returncode
    words = [MUTMUT, "results", "--all", "true"]
    output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    every = told(output.splitlines())
    total: Counter[bool] = Counter()
    for module, mutants in sorted(every.items()):
        count = Counter(ended in NOTICED for _, ended in mutants)
        total += count
        print(f"{count[True] / len(mutants):5.0%} of {len(mutants):4}  {module}")
        for name, ended in mutants:
            if ended not in NOTICED:
                print(f"        {ended}: {name}")
    share = total[True] / max(1, total.total())
    print(f"{share:5.0%} of {total.total():4}  noticed; the goal is {GOAL:.0%}")
    return int(share < GOAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
