"""Two people changed one object at once: what the other did, and where both changed the same, which of the two values
stands. Pure.

The page carries along the object before both (`older`) and as one wanted it (`mine`); the newest is its `base`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from console import manifests, threeway
from console.threeway import Line, Path

JSON = dict[str, Any]
MINE, THEIRS = "mine-", "theirs-"
"""How the names of the buttons begin; the number of the field follows."""
_MOST_LINES = 12


@dataclass(frozen=True)
class Choice:
    """A field that both changed. `stands` is whose value it has now; "" for neither."""

    number: int
    field: str
    mine: str
    """As YAML; "" where it was taken away."""
    theirs: str
    stands: str


@dataclass(frozen=True)
class Meeting:
    older: JSON
    mine: JSON
    newest: JSON

    @property
    def older_text(self) -> str:
        return manifests.text(self.older)

    @property
    def mine_text(self) -> str:
        return manifests.text(self.mine)

    @property
    def theirs(self) -> list[Line]:
        """What the other changed, line by line."""
        return threeway.difference(self.older_text, manifests.text(self.newest))

    @property
    def merged(self) -> JSON:
        """Mine on top of the newest."""
        return threeway.onto(self.newest, threeway.changed(self.older, self.mine, self.newest), self.mine)

    def choices(self, now: JSON) -> list[Choice]:
        return [self._choice(number, path, now) for number, path in enumerate(self._both)]

    def chosen(self, now: JSON, go: str) -> JSON:
        """`now` with the value that the button `theirs-0` takes; as it is for every other button."""
        for side, whole in ((MINE, self.mine), (THEIRS, self.newest)):
            number = go.removeprefix(side)
            if go.startswith(side) and number.isdecimal() and int(number) < len(self._both):
                path = self._both[int(number)]
                return threeway.onto(now, {path: threeway.at(whole, path)}, whole)
        return now

    @cached_property
    def _both(self) -> list[Path]:
        ours = threeway.changed(self.older, self.mine, self.newest)
        return threeway.meeting(ours, threeway.changed(self.older, self.newest, self.mine))

    def _choice(self, number: int, path: Path, now: JSON) -> Choice:
        mine, theirs, value = (threeway.at(one, path) for one in (self.mine, self.newest, now))
        stands = "mine" if value == mine else "theirs" if value == theirs else ""
        return Choice(number, threeway.words(path), _shown(mine), _shown(theirs), stands)


def _shown(value: Any) -> str:
    if threeway.is_gone(value):
        return ""
    if not isinstance(value, dict | list):
        return yaml.safe_dump(value, allow_unicode=True).removesuffix("...\n").rstrip("\n")
    lines = manifests.text({"": value}).splitlines()[1:]
    least = min(len(line) - len(line.lstrip()) for line in lines) if lines else 0
    kept = [line[least:] for line in lines[:_MOST_LINES]] + (["…"] if len(lines) > _MOST_LINES else [])
    return "\n".join(kept)
