"""Every promise of store, watch and queue, and of guesses at once, is kept on PostgreSQL too: the same tests again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import cluster

ROOT = Path(__file__).parents[3]
ROOMS = ("tests/workloads/store", "tests/workloads/watch", "tests/workloads/queue", "tests/iam/test_guesses.py")


@pytest.mark.postgres
@pytest.mark.timeout(900)
def test_every_promise_of_store_watch_and_queue_is_kept_on_postgresql(tmp_path):
    with cluster() as url:
        environment = {**os.environ, "DATABASE_URL": url, "CCI_DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "pytest", *ROOMS, "-m", "not postgres", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
