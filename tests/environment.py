"""Loaded before anything reads settings (`-p tests.environment`): tests never touch the installation in data/."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "CCI_DATA_DIR" not in os.environ:
    os.environ["CCI_DATA_DIR"] = tempfile.mkdtemp(prefix="cci-test-")
    atexit.register(shutil.rmtree, os.environ["CCI_DATA_DIR"], ignore_errors=True)
