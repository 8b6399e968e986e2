"""``python -m provision`` is the same command as ``provision``."""

import sys

from provision.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
