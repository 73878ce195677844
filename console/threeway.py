"""Two people change one object: what each changed, where they meet, and the one put onto the other. Pure.

A change is told field by field, as a JSON merge patch (RFC 7386) tells it. Lists whose items have names are told item
by item (`spec.containers[name=web].image`) while their order stays; other lists are one field each, and so is one in
which somebody renamed what the other changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

JSON = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """The item of a list whose `key` is `value`."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"[{self.key}={self.value}]"


Path = tuple[str | Item, ...]
_GONE = object()
_KEYS = ("name", "mountPath", "containerPort", "port")
"""What tells the items of a list apart, the first that all of them have in every version."""
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


def changed(before: JSON, after: JSON, other: JSON | None = None) -> dict[Path, Any]:
    """The new value by the field's path; what was taken away has none (`is_gone`).

    `other` is what somebody else made of `before`: both changes are then told by the same keys, and a list in which one
    calls an item otherwise that the other touched is one field."""
    return dict(_changes(before, after, before if other is None else other, ()))


def is_gone(value: Any) -> bool:
    return value is _GONE


def onto(target: JSON, changes: Mapping[Path, Any], whole: JSON | None = None) -> JSON:
    """`target` with these changes; `target` stays as it is. What holds a change and is not there any more comes back
    as it stands in `whole`, where the changes were made."""
    found = target
    for path, value in changes.items():
        found = _set(found, path, value, whole)
    return found


def meeting(ours: Mapping[Path, Any], theirs: Mapping[Path, Any]) -> list[Path]:
    """Fields that both changed, and not to the same: `spec.replicas`."""
    both = [
        min(mine, other, key=len)
        for mine, value in ours.items()
        for other, another in theirs.items()
        if (mine[: len(other)] == other or other[: len(mine)] == mine) and (mine != other or value != another)
    ]
    return sorted(set(both), key=words)


def words(path: Path) -> str:
    """`spec.template.spec.containers[name=web].image`."""
    return "".join(str(part) if isinstance(part, Item) else f".{part}" for part in path).removeprefix(".")


def at(obj: Any, path: Path) -> Any:
    """What stands there; `is_gone` says that nothing does."""
    for part in path:
        if isinstance(part, Item):
            obj = _items(obj, part.key).get(part, _GONE)
        else:
            obj = obj.get(part, _GONE) if isinstance(obj, dict) else _GONE
    return obj


def _changes(before: Any, after: Any, other: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for name in {**before, **after}:
        here = (*path, name if isinstance(name, Item) else str(name))
        old, new = before.get(name, _GONE), after.get(name, _GONE)
        beside = other.get(name, _GONE) if isinstance(other, dict) else _GONE
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changes(old, new, beside, here)
        elif old is _GONE or new is _GONE:
            yield here, new
        elif old != new:
            named = _named(old, new, beside)
            yield from _changes(*named, here) if named else [(here, new)]


_Named = dict[Item, Any]


def _named(old: Any, new: Any, other: Any) -> tuple[_Named, _Named, _Named] | None:
    """The lists by what tells the items of all of them apart; None where that says less than the lists: of their order,
    or of which item came in the place of which."""
    lists = [one if isinstance(one, list) else [] for one in (old, new, other)]
    for key in _KEYS:
        before, after, beside = (_items(one, key) for one in lists)
        if not before or not after or [len(before), len(after), len(beside)] != [len(one) for one in lists]:
            continue
        if _is_renamed(before, after, beside) or _is_renamed(before, beside, after):
            return None
        stay, come = [one for one in before if one in after], [one for one in after if one not in before]
        return (before, after, beside) if list(after) == stay + come else None
    return None


def _is_renamed(before: _Named, after: _Named, other: _Named) -> bool:
    """Whether an item may have another key in `after` (one went, one came), and `other` touched the one that went:
    told item by item, both would stand."""
    gone = [one for one in before if one not in after]
    return len(after) > len(before) - len(gone) and any(other.get(one, _GONE) != before[one] for one in gone)


def _items(value: Any, key: str) -> dict[Item, Any]:
    """Fewer than the list has where an item has no such key, or two have the same."""
    listed = value if isinstance(value, list) else []
    return {Item(key, str(one[key])): one for one in listed if isinstance(one, dict) and key in one}


def _set(target: Any, path: Path, value: Any, whole: Any) -> Any:
    part, rest = path[0], path[1:]
    inner, source = at(target, (part,)), at(whole, (part,))
    if rest and inner is _GONE:
        if value is _GONE:
            return target
        value = source if source is not _GONE else _set([] if isinstance(rest[0], Item) else {}, rest, value, None)
    elif rest:
        value = _set(inner, rest, value, source)
    return _put(target, part, value)


def _put(target: Any, part: str | Item, value: Any) -> Any:
    if not isinstance(part, Item):
        fields = target if isinstance(target, dict) else {}
        if value is _GONE:
            return {key: one for key, one in fields.items() if key != part}
        return {**fields, part: value}
    listed = target if isinstance(target, list) else []
    place = next((index for index, one in enumerate(listed) if part in _items([one], part.key)), len(listed))
    return [*listed[:place], *([] if value is _GONE else [value]), *listed[place + 1 :]]


def _line(text: str) -> Line:
    if text.startswith("@@"):
        return Line("gap", "…")
    kinds: dict[str, Literal["added", "removed"]] = {"+": "added", "-": "removed"}
    return Line(kinds.get(text[:1], "same"), text[1:])
