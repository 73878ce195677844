"""A PostgreSQL of our own for the tests: a fresh cluster in a temporary directory, on a Unix socket; gone after."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_MISSING = (
    "These tests need PostgreSQL's server programs (initdb, postgres), and there are none under /usr/lib/postgresql "
    "or on the PATH. On Debian: apt-get install postgresql."
)
_CLUSTER = ("-U", "cci", "-A", "trust", "-E", "UTF8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync")
"""A human order of text, as a stock server has it: what must be in byte order has to say so itself."""
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
}
"""It may die whenever it likes: what it wrote is the operating system's, which does not die with it."""


@dataclass(frozen=True)
class Server:
    """A cluster that can be stopped and started again; its data stays."""

    home: Path
    owner: str

    @property
    def url(self) -> str:
        """For `DATABASE_URL`."""
        return f"postgres://cci@{quote(str(self.home), safe='')}/postgres"

    def start(self) -> None:
        settings = {**_SETTINGS, "unix_socket_directories": self.home}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._control("-l", str(self.home / "log"), "-o", options, "start")

    def stop(self) -> None:
        """As a power cut: no session is told, nothing is flushed."""
        self._control("-m", "immediate", "stop")

    def ask(self, sql: str) -> list[list[str]]:
        """The rows, as text."""
        command = [_program("psql"), "-h", str(self.home), "-U", "cci", "-d", "postgres", "-AtF", "\t", "-c", sql]
        return [line.split("\t") for line in _run(self.owner, command).splitlines()]

    def _control(self, *words: str) -> None:
        _run(self.owner, [_program("pg_ctl"), "-D", str(self.home / "data"), "-w", "-t", "60", *words])


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """A running server. Root hands it to the user `postgres`, as it refuses root."""
    home = Path(tempfile.mkdtemp(prefix="cci-postgres-"))
    running = Server(home, _owner())
    try:
        shutil.chown(home, running.owner)
        _run(running.owner, [_program("initdb"), "-D", str(home / "data"), *_CLUSTER])
        running.start()
        try:
            yield running
        finally:
            with contextlib.suppress(RuntimeError):  # a test may have stopped it
                running.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A running server's URL, for `DATABASE_URL`."""
    with server() as running:
        yield running.url


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


def _run(owner: str, command: list[str]) -> str:
    """What it prints. As `owner`, outside our working directory, which `owner` may not be allowed to enter."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", owner, "--", *command]
    done = subprocess.run(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout
