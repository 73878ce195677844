"""`make test`: first everything that shares nothing, then the journeys, each worker through a running product of its
own; both on all cores, and one worker more, as much of a test is to wait for daemons, browsers and clocks.

Real daemons, browsers and clocks on a small machine are sometimes late. A few tests that failed are run once more,
alone: what fails again is broken; what passes is named as unsteady, for somebody to mend, and lets the run pass.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest")
SHARED_OUT = ("-n", str((os.cpu_count() or 2) + 1), "--dist", "loadfile", "--no-loadscope-reorder")
"""By files, in the order of tests/conftest.py."""
ROOMS = (*PYTEST, *SHARED_OUT, "--ignore", "tests/e2e", "tests")
JOURNEYS = (*PYTEST, *SHARED_OUT, "-p", "no:randomly", "--timeout", "300", "tests/e2e")
MOST_UNSTEADY = 3
"""More than these that fail together are no accident."""
_SOME_FAILED = 1
_LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"


def main() -> int:
    """The worst exit code; both halves always run, so that one report shows all that is broken."""
    return max(_run(half) for half in (ROOMS, JOURNEYS))


def _run(half: tuple[str, ...]) -> int:
    _LAST_FAILED.unlink(missing_ok=True)
    code = subprocess.run(half, cwd=ROOT).returncode
    failed = sorted(json.loads(_LAST_FAILED.read_text())) if _LAST_FAILED.exists() else []
    if code != _SOME_FAILED or not 0 < len(failed) <= MOST_UNSTEADY:
        return code
    print(f"\n{len(failed)} failed; once more, alone:", *failed, sep="\n  ", flush=True)
    code = subprocess.run((*PYTEST, "-p", "no:randomly", "--timeout", "300", *failed), cwd=ROOT).returncode
    if code == 0:
        print("\nUNSTEADY (failed first, passed alone; mend these):", *failed, sep="\n  ", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
