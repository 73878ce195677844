"""Short lives under a metering process that is killed with SIGKILL, again and again: no second is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIVES = 600
"""`make bench` has ten thousand."""


@pytest.mark.timeout(180)
def test_short_lives_are_billed_to_the_second_by_a_meter_that_is_killed_again_and_again(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CCI_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "console.settings",
    }
    command = [sys.executable, "-m", "tests.billing.metering", str(LIVES), "7"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] > 3
    assert told["wrong"] == 0
    assert told["ledger"] == told["days"] == told["truth"]
