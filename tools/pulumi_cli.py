"""Makes the Pulumi CLI where there is none, with a line for every step; run by setup.sh.

Exit code 0 where it is there in the end, else 1 with the reason in the last line. With the word
``look`` it makes nothing.
"""

import sys

from provision.engine.binary import ensure, lookup
from provision.errors import ProvisionError
from provision.events import Event


def tell(event: Event) -> None:
    """One line for events that have words."""
    print(getattr(event, "text", ""), flush=True)


def main(words: list[str]) -> int:
    """Look for it, or make it."""
    try:
        if words == ["look"]:
            return 0 if lookup() else 1
        ensure(tell)
    except ProvisionError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
