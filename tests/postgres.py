"""A PostgreSQL of our own for the tests: a fresh cluster in a temporary directory, on a Unix socket; gone after."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_MISSING = (
    "These tests need PostgreSQL's server programs (initdb, postgres), and there are none under /usr/lib/postgresql "
    "or on the PATH. On Debian: apt-get install postgresql."
)
_CLUSTER = ("-U", "cci", "-A", "trust", "-E", "UTF8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync")
"""A human order of text, as a stock server has it: what must be in byte order has to say so itself."""
_SETTINGS = {"listen_addresses": "", "max_connections": "60", "shared_buffers": "64MB"}


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A running server's URL, for `DATABASE_URL`. Root hands the server to the user `postgres`, as it refuses root."""
    home = Path(tempfile.mkdtemp(prefix="cci-postgres-"))
    owner = _owner()
    try:
        shutil.chown(home, owner)
        _run(owner, [_program("initdb"), "-D", str(home / "data"), *_CLUSTER])
        with _server(home, owner):
            yield f"postgres://cci@{quote(str(home), safe='')}/postgres"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _server(home: Path, owner: str) -> Iterator[None]:
    options = " ".join(f"-c {name}='{value}'" for name, value in {**_SETTINGS, "unix_socket_directories": home}.items())
    control = [_program("pg_ctl"), "-D", str(home / "data"), "-w", "-t", "60"]
    _run(owner, [*control, "-l", str(home / "log"), "-o", options, "start"])
    try:
        yield
    finally:
        _run(owner, [*control, "-m", "immediate", "stop"])


def _program(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        raise RuntimeError(_MISSING)
    return found


def _owner() -> str:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise RuntimeError(_MISSING) from None


def _run(owner: str, command: list[str]) -> None:
    """As `owner`, outside our working directory, which `owner` may not be allowed to enter."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", owner, "--", *command]
    done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
