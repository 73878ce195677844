"""Commands and attachments on Docker: see `base.Session`. What flows is the kernel's; the daemon tells the rest."""

from __future__ import annotations

import socket
import time

from workloads.runtimes import hangups
from workloads.runtimes.base import ExecSpec, RuntimeFault
from workloads.runtimes.daemon import Daemon, Missing

_LOOKS, _LOOK_AGAIN_SECONDS = 120, 0.05
"""Docker waits two seconds for what a command left behind with its output open."""
_KILLED = 137

_DETACH_KEYS = ",".join(["ctrl-@", "ctrl-^", "ctrl-_", "ctrl-]"] * 4)
"""Docker takes ctrl-p, ctrl-q out of what is typed into a terminal, and hangs up. Nobody types this."""


def open_exec(daemon: Daemon, container: str, spec: ExecSpec) -> Command:
    """Raises Missing, Conflict, RuntimeFault."""
    id = daemon.create_exec(container, spec, detach_keys=_DETACH_KEYS)
    line = daemon.hijack(f"/exec/{id}/start", {"Detach": False, "Tty": spec.tty})
    return Command(daemon, id, line, container=container, framed=not spec.tty)


def attach(daemon: Daemon, container: str, *, stdin: bool, tty: bool) -> Attachment:
    """Raises Missing, Conflict, RuntimeFault."""
    query = f"stream=1&stdin={int(stdin)}&stdout=1&stderr=1&detachKeys={_DETACH_KEYS}"
    line = daemon.hijack(f"/containers/{container}/attach?{query}")
    return Attachment(daemon, container, line, framed=not tty)


class Command:
    """A command in a container."""

    refusal = b"OCI runtime exec failed: "

    def __init__(self, daemon: Daemon, id: str, line: socket.socket, *, container: str, framed: bool) -> None:
        self._daemon = daemon
        self._id = id
        self._container = container
        self.socket = line
        self.framed = framed

    def resize(self, *, columns: int, rows: int) -> None:
        self._daemon.resize_exec(self._id, columns=columns, rows=rows)

    def exit_code(self) -> int:
        """Its output may end a moment before the daemon knows how it ended. With its container gone, it was killed."""
        for _ in range(_LOOKS):
            try:
                facts = self._daemon.exec_facts(self._id)
            except Missing:
                return _KILLED
            if not facts["Running"] and facts["ExitCode"] is not None:
                return int(facts["ExitCode"])
            time.sleep(_LOOK_AGAIN_SECONDS)
        raise RuntimeFault("the command's output has ended, and the command has not")

    def hang_up(self) -> None:
        if leader := self._process():
            hangups.hang_up(leader, container=self._container)

    def kill(self) -> None:
        if leader := self._process():
            hangups.kill(leader, container=self._container)

    def close(self) -> None:
        self.socket.close()

    def _process(self) -> int:
        """Its number on this host; 0 when it has ended, or runs on another."""
        if not self._daemon.is_local:
            return 0
        try:
            facts = self._daemon.exec_facts(self._id)
        except Missing:
            return 0
        return int(facts["Pid"] or 0) if facts["Running"] else 0


class Attachment:
    """A container's own process."""

    refusal = b""

    def __init__(self, daemon: Daemon, container: str, line: socket.socket, *, framed: bool) -> None:
        self._daemon = daemon
        self._container = container
        self.socket = line
        self.framed = framed

    def resize(self, *, columns: int, rows: int) -> None:
        self._daemon.resize(self._container, columns=columns, rows=rows)

    def exit_code(self) -> int:
        return 0

    def hang_up(self) -> None:
        """It is not the caller's to end."""

    def kill(self) -> None:
        """Neither."""

    def close(self) -> None:
        self.socket.close()
