"""Attempts of containers whose output can be read, as log pages offer them: those that run, and those that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from console.spans import parse
from workloads.client import Kept

JSON = Mapping[str, Any]
SHOWN = 5000
"""Lines at most on a page, the newest; behaviours/log.ts keeps as many."""


@dataclass(frozen=True)
class Attempt:
    """`number` counts from 0. `lines` and `bytes` are known of what is kept."""

    container: str
    number: int
    ended: str
    """`exit 1`, `exit 137, out of memory`; "" while it runs."""
    started: datetime | None = None
    finished: datetime | None = None
    lines: int | None = None
    bytes: int | None = None
    current: bool = False
    """The one that is shown."""

    @property
    def ordinal(self) -> int:
        """As people count."""
        return self.number + 1

    @property
    def query(self) -> str:
        return urlencode({"container": self.container, "attempt": self.number})

    @property
    def of_lines(self) -> str:
        """How many there are, where a page does not show them all."""
        return f"{self.lines:,}" if self.lines is not None and self.lines > SHOWN else ""


def of_kept(logs: Iterable[Kept]) -> list[Attempt]:
    return [
        Attempt(
            container=log.container,
            number=log.attempt,
            ended=_ended(log.exit_code, oom_killed=log.oom_killed),
            started=log.started,
            finished=log.finished,
            lines=log.lines,
            bytes=log.bytes,
        )
        for log in logs
    ]


def of_entry(entry: JSON) -> list[Attempt]:
    """Of a container's status: the newest attempt, if it has started, and the one before it."""
    name, number = entry["name"], int(entry.get("restartCount", 0))
    state, last = entry.get("state") or {}, (entry.get("lastState") or {}).get("terminated")
    found = []
    if "running" in state:
        started = state["running"].get("startedAt")
        found.append(Attempt(name, number, "", started=parse(started) if started else None))
    elif "terminated" in state:
        found.append(_terminated(name, number, state["terminated"]))
    elif last:
        # it waits for its next start; of the attempt before, the status tells no more
        found.append(_terminated(name, number, last))
        return [*found, Attempt(name, number - 1, _("ended"))] if number else found
    if last and number:
        found.append(_terminated(name, number - 1, last))
    return found


def _terminated(container: str, number: int, ended: JSON) -> Attempt:
    return Attempt(
        container,
        number,
        _ended(ended.get("exitCode"), oom_killed=ended.get("reason") == "OOMKilled"),
        started=parse(ended["startedAt"]) if ended.get("startedAt") else None,
        finished=parse(ended["finishedAt"]) if ended.get("finishedAt") else None,
    )


def _ended(exit_code: int | None, *, oom_killed: bool) -> str:
    if exit_code is None:
        return ""
    if oom_killed:
        return _("exit %(code)s, out of memory") % {"code": exit_code}
    return _("exit %(code)s") % {"code": exit_code}
