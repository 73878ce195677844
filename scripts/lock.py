"""Renews requirements.lock (serving) and requirements-dev.lock (serving, tests and checks; the same versions)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".build" / "uv" / "bin" / "uv"
COMMON = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet")


def main() -> None:
    """Hashes, no index addresses: the lock works with any mirror."""
    compile_lock("requirements.lock")
    pins = re.findall(r"^(\S+==\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        compile_lock("requirements-dev.lock", "--group", "test", "--group", "check", "-c", constraints.name)


def compile_lock(name: str, *extra: str) -> None:
    command = (str(UV), "pip", "compile", "pyproject.toml", *COMMON, *extra, "--upgrade", "-o", name)
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
