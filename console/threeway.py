"""Two people change one object: what each changed, where they meet, and the one put onto the other. Pure.

A change is told as a JSON merge patch (RFC 7386), field by field; lists are one field each.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

JSON = dict[str, Any]
Path = tuple[str, ...]
_GONE = object()
CONTEXT = 3


@dataclass(frozen=True)
class Line:
    """One line of a difference. `sign` is what stands before it."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str

    @property
    def sign(self) -> str:
        return {"same": " ", "added": "+", "removed": "-", "gap": " "}[self.kind]


def difference(before: str, after: str) -> list[Line]:
    """By lines, with three around each change; empty when nothing differs."""
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT)
    lines = [_line(one) for one in list(told)[2:]]
    return lines[1:] if lines and lines[0].kind == "gap" else lines


def ordered_as(model: Any, found: Any) -> Any:
    """`found` with the fields that `model` has in its order: so that a difference by lines tells none that stayed."""
    if isinstance(model, dict) and isinstance(found, dict):
        names = [name for name in model if name in found] + [name for name in found if name not in model]
        return {name: ordered_as(model.get(name), found[name]) for name in names}
    if isinstance(model, list) and isinstance(found, list):
        return [ordered_as(model[at] if at < len(model) else None, one) for at, one in enumerate(found)]
    return found


def changed(before: JSON, after: JSON) -> dict[Path, Any]:
    """The new value by the field's path; what was taken away has none (`is_gone`)."""
    return dict(_changes(before, after, ()))


def is_gone(value: Any) -> bool:
    return value is _GONE


def onto(target: JSON, changes: Mapping[Path, Any]) -> JSON:
    """`target` with these changes; `target` stays as it is."""
    found = target
    for path, value in changes.items():
        found = _set(found, path, value)
    return found


def meeting(ours: Mapping[Path, Any], theirs: Mapping[Path, Any]) -> list[str]:
    """Fields that both changed, and not to the same: `spec.replicas`."""
    both = [
        min(mine, other, key=len)
        for mine, value in ours.items()
        for other, another in theirs.items()
        if (mine[: len(other)] == other or other[: len(mine)] == mine) and (mine != other or value != another)
    ]
    return sorted({".".join(path) for path in both})


def _changes(before: JSON, after: JSON, path: Path) -> Iterator[tuple[Path, Any]]:
    for name in {**before, **after}:
        here = (*path, str(name))
        old, new = before.get(name, _GONE), after.get(name, _GONE)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changes(old, new, here)
        elif old is _GONE or new is _GONE or old != new:
            yield here, new


def _set(target: JSON, path: Path, value: Any) -> JSON:
    name, rest = path[0], path[1:]
    if not rest:
        kept = {key: one for key, one in target.items() if key != name or value is not _GONE}
        return kept if value is _GONE else {**kept, name: value}
    inner = target.get(name)
    if inner is None and value is _GONE:
        return target
    return {**target, name: _set(inner if isinstance(inner, dict) else {}, rest, value)}


def _line(text: str) -> Line:
    if text.startswith("@@"):
        return Line("gap", "…")
    kinds: dict[str, Literal["added", "removed"]] = {"+": "added", "-": "removed"}
    return Line(kinds.get(text[:1], "same"), text[1:])
