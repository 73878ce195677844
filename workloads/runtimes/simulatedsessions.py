"""Commands and attachments in the simulated runtime: see `base.Session`. A command is a script in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from workloads.runtimes.base import ExecSpec
from workloads.runtimes.outputframes import STDERR, STDOUT, output_frame

CHUNK_BYTES = 64 * 1024
HUNG_UP, KILLED = 129, 137


@dataclass
class Inside:
    """What a script has: its streams, as a process has them. A caller who has gone breaks both off (OSError)."""

    spec: ExecSpec
    line: socket.socket
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """Columns and rows, as the caller's terminal had them."""

    def read(self) -> bytes:
        """What has come on stdin; b"" at its end."""
        return self.line.recv(CHUNK_BYTES)

    def write(self, data: bytes, stream: int = STDOUT) -> None:
        if self.spec.tty:
            self.line.sendall(data)
        elif self.spec.stdout if stream == STDOUT else self.spec.stderr:
            self.line.sendall(output_frame(stream, data))

    def complain(self, data: bytes) -> None:
        self.write(data, STDERR)


Script = Callable[[Inside], int]
"""Returns the exit code."""


class SimulatedCommand:
    refusal = b"OCI runtime exec failed: "

    def __init__(self, spec: ExecSpec, script: Script) -> None:
        self.socket, line = socket.socketpair()
        self.socket.setblocking(False)
        self.framed = not spec.tty
        self.inside = Inside(spec, line)
        self._ended = threading.Event()
        self._code: int | None = None
        threading.Thread(target=self._run, args=(script,), name="script", daemon=True).start()

    @property
    def runs(self) -> bool:
        return not self._ended.is_set()

    def resize(self, *, columns: int, rows: int) -> None:
        self.inside.sizes.append((columns, rows))

    def exit_code(self) -> int:
        self._ended.wait()
        return self._code or 0

    def hang_up(self) -> None:
        self.end(HUNG_UP)

    def kill(self) -> None:
        self.end(KILLED)

    def close(self) -> None:
        self.socket.close()

    def end(self, code: int) -> None:
        """From outside: whatever the script is at, its streams break off."""
        if self._code is None:
            self._code = code
        with suppress(OSError):
            self.inside.line.shutdown(socket.SHUT_RDWR)

    def _run(self, script: Script) -> None:
        code = HUNG_UP
        with self.inside.line, suppress(OSError):
            code = script(self.inside)
        if self._code is None:
            self._code = code
        self._ended.set()


class SimulatedAttachment:
    """Of a container's own process, which says what `Simulated.print` has it say."""

    refusal = b""

    def __init__(self, *, tty: bool, stdin: bool) -> None:
        self.socket, self.line = socket.socketpair()
        self.socket.setblocking(False)
        self.line.setblocking(False)
        self.framed = not tty
        self.stdin = stdin

    def say(self, data: bytes) -> None:
        """Who does not read misses what does not fit."""
        with suppress(OSError):
            self.line.send(output_frame(STDOUT, data) if self.framed else data)

    def heard(self) -> bytes:
        """What has been typed since it was asked last."""
        with suppress(OSError):
            return self.line.recv(CHUNK_BYTES) if self.stdin else b""
        return b""

    def resize(self, *, columns: int, rows: int) -> None:
        """It has no terminal that would care."""

    def exit_code(self) -> int:
        return 0

    def hang_up(self) -> None:
        """It is not the caller's to end."""

    def kill(self) -> None:
        """Neither."""

    def close(self) -> None:
        self.socket.close()
        self.line.close()
