"""Every promise of billing is kept on PostgreSQL too: the same tests again, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import cluster

ROOT = Path(__file__).parents[2]
ALWAYS_ON_SQLITE = "tests/billing/test_meter_kills.py"
"""Its processes have a database of their own, whatever ours is."""


@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_every_promise_of_billing_is_kept_on_postgresql(tmp_path: Path) -> None:
    with cluster() as url:
        environment = {**os.environ, "DATABASE_URL": url, "CCI_DATA_DIR": str(tmp_path)}
        which = ["tests/billing", "--ignore", ALWAYS_ON_SQLITE, "-m", "not postgres"]
        command = [sys.executable, "-m", "pytest", *which, "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
