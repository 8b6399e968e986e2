"""How long ``provision --help`` takes, against ``python -c 'import argparse'``.

Prints the medians and their ratio; exits 1 where the ratio is above 2.0. Runs take turns, so that
both meet the same noise.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

MOST = 2.0


def main() -> int:
    """Measure and print; answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=25, help="runs of each (default 25)")
    runs = parser.parse_args().runs
    ours = [*command(), "--help"]
    theirs = [sys.executable, "-c", "import argparse"]
    for warm_up in (ours, theirs):
        seconds(warm_up)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    help_time, argparse_time = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = help_time / argparse_time
    print(f"provision --help:            {help_time * 1000:6.1f} ms  (median of {runs})")
    print(f"python -c 'import argparse': {argparse_time * 1000:6.1f} ms")
    print(f"ratio:                       {ratio:6.2f}     (at most {MOST})")
    return 0 if ratio <= MOST else 1


def command() -> list[str]:
    """The installed console script beside this interpreter, else the module."""
    script = Path(sys.executable).with_name("provision")
    return [str(script)] if script.exists() else [sys.executable, "-m", "provision"]


def seconds(words: list[str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
