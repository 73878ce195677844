"""`make test`: first everything that shares nothing, on all cores; then the journeys, through the running product."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest")
SHARED_OUT = ("-n", str(os.cpu_count() or 2), "--dist", "loadfile", "--no-loadscope-reorder")
"""By files, in the order of tests/conftest.py."""
ROOMS = (*PYTEST, *SHARED_OUT, "--ignore", "tests/e2e", "tests")
JOURNEYS = (*PYTEST, "-p", "no:randomly", "--timeout", "300", "tests/e2e")


def main() -> int:
    """The worst exit code; both halves always run, so that one report shows all that is broken."""
    return max(subprocess.run(half, cwd=ROOT).returncode for half in (ROOMS, JOURNEYS))


if __name__ == "__main__":
    sys.exit(main())
