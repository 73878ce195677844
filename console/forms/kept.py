"""What a manifest says beyond what a form can show: told apart from the form's own, carried along, and put back. Pure.

Fields are told one by one, and items of lists that Kubernetes knows by a name (containers, variables, volumes) by that
name, so that what is kept stays at its place while the form changes around it. Where the form says another thing than
it said when a change was told, the form has the newer word and the change is overruled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

JSON = dict[str, Any]


class Item(NamedTuple):
    """An item of a list, by its key."""

    key: str


Step = str | Item
Path = tuple[Step, ...]


class _Gone:
    """Nothing stands there."""

    def __deepcopy__(self, _memo: object) -> _Gone:
        return self


GONE = _Gone()


def _by(name: str) -> Callable[[JSON], str]:
    return lambda item: str(item[name])


def _source(item: JSON) -> str:
    """Of an `envFrom`: `configMapRef/web`."""
    return next(f"{word}/{item[word]['name']}" for word in ("configMapRef", "secretRef") if word in item)


def _alone(_item: JSON) -> str:
    return ""


_KEYS: dict[str, Callable[[JSON], str]] = {
    "containers": _by("name"),
    "initContainers": _by("name"),
    "volumes": _by("name"),
    "env": _by("name"),
    "envFrom": _source,
    "volumeMounts": _by("mountPath"),
    "imagePullSecrets": _by("name"),
    "ports": _by("port"),
    "rules": _alone,
    "tls": _alone,
    "paths": _by("path"),
}
"""Of the lists that forms write, what tells their items apart."""
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")
_CONTAINERS = ("containers", "initContainers")


@dataclass(frozen=True)
class Change:
    """One field of the object `kind`. `order` is that of a list's items, by their keys; then there is no value."""

    kind: str
    path: Path
    value: Any = GONE
    was: Any = GONE
    """What the form said there when this was told."""
    order: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`spec.template.spec.containers[app].securityContext`."""
        return words_of(self.path)

    @property
    def is_gone(self) -> bool:
        return isinstance(self.value, _Gone) and not self.order


@dataclass(frozen=True)
class Extra:
    """A whole object that is made as it stands, before the workload or after it."""

    manifest: JSON
    first: bool

    @property
    def title(self) -> str:
        metadata = self.manifest["metadata"]
        place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
        return f"{self.manifest['kind']} {place}{metadata.get('name', '')}"


@dataclass(frozen=True)
class Kept:
    changes: tuple[Change, ...] = ()
    extras: tuple[Extra, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.extras)

    def of(self, kind: str) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.kind == kind)

    def onto(self, manifest: JSON, renamed: Mapping[str, str]) -> JSON:
        """`manifest` with what is kept of it. `renamed` says what containers of old names are called now."""
        return _applied(manifest, self.of(manifest["kind"]), renamed)[0]

    def overruled(self, manifest: JSON, renamed: Mapping[str, str]) -> list[Change]:
        """What the form says otherwise now."""
        return _applied(manifest, self.of(manifest["kind"]), renamed)[1]

    def covers(self, path: str, manifest: JSON, renamed: Mapping[str, str]) -> bool:
        """Whether a field of `manifest` (`spec.template.spec.containers[0].ports`) stands in what is kept."""
        named = _named(path, manifest)
        starts = (words_of(_renamed(change.path, renamed)) for change in self.of(manifest["kind"]))
        return any(named.startswith(start) and named[len(start) : len(start) + 1] in ("", ".", "[") for start in starts)

    def without(self, number: int) -> Kept:
        """Changes are counted first, then whole objects."""
        if number < len(self.changes):
            return replace(self, changes=self.changes[:number] + self.changes[number + 1 :])
        at = number - len(self.changes)
        return replace(self, extras=self.extras[:at] + self.extras[at + 1 :])

    def text(self) -> str:
        """For a field of the form; "" for nothing."""
        if not self:
            return ""
        changes = [_as_json(change) for change in self.changes]
        extras = [{"manifest": extra.manifest, "first": extra.first} for extra in self.extras]
        return json.dumps({"changes": changes, "extras": extras}, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Kept:
        """Raises ValueError for what `text` never gave."""
        if not text:
            return cls()
        try:
            found = json.loads(text)
            changes = tuple(_from_json(one) for one in found["changes"])
            extras = tuple(Extra(_manifest(one["manifest"]), bool(one["first"])) for one in found["extras"])
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"not what a form keeps: {error}") from None
        return cls(changes, extras)


def told(kind: str, form: JSON, said: JSON) -> tuple[Change, ...]:
    """What `said` has beyond `form`, so that putting it onto `form` gives `said`."""
    return tuple(_changes(kind, form, said, ()))


def words_of(path: Path) -> str:
    shown = ""
    for step in path:
        if isinstance(step, Item):
            shown += f"[{step.key}]"
        else:
            shown += f".{step}" if shown and "." not in step and "/" not in step else (f"[{step}]" if shown else step)
    return shown


def _named(path: str, manifest: JSON) -> str:
    """With the keys of a list's items instead of their places."""
    node: Any = manifest
    shown = last = ""
    for match in _STEP.finditer(path):
        inner = match[2]
        if match[1]:
            last, shown = match[1], f"{shown}.{match[1]}" if shown else match[1]
            node = node.get(last) if isinstance(node, dict) else None
        elif isinstance(node, list) and inner.isdecimal() and int(inner) < len(node):
            keyed = _keyed(node, _KEYS[last]) if last in _KEYS else None
            shown += f"[{list(keyed)[int(inner)] if keyed else inner}]"
            node = node[int(inner)]
        else:
            shown += f"[{inner}]"
            node = node.get(inner) if isinstance(node, dict) else None
    return shown


# --- telling ------------------------------------------------------------------------------------------------------


def _changes(kind: str, old: Any, new: Any, path: Path) -> Iterator[Change]:
    """A whole map that the form does not have is told field by field: the form may write another field of it later."""
    if isinstance(new, dict) and new and isinstance(old, dict | _Gone):
        before = {} if isinstance(old, _Gone) else old
        for name in {**before, **new}:
            yield from _changes(kind, before.get(name, GONE), new.get(name, GONE), (*path, name))
        return
    key = _KEYS.get(str(path[-1])) if path and not isinstance(path[-1], Item) else None
    if key and isinstance(new, list) and new and isinstance(old, list | _Gone):
        before_items = [] if isinstance(old, _Gone) else old
        was, now = _keyed(before_items, key), _keyed(new, key)
        if was is not None and now is not None:
            yield from _items(kind, was, now, path)
            return
    if type(old) is not type(new) or old != new:
        yield Change(kind, path, new, old)


def _items(kind: str, was: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> Iterator[Change]:
    for name in {**was, **now}:
        here = (*path, Item(name))
        if name in was and name in now:
            yield from _changes(kind, was[name], now[name], here)
        else:
            yield Change(kind, here, now.get(name, GONE), was.get(name, GONE))
    after = [name for name in was if name in now] + [name for name in now if name not in was]
    if after != list(now):
        yield Change(kind, path, order=tuple(now))


def _keyed(items: Sequence[Any], key: Callable[[JSON], str]) -> dict[str, Any] | None:
    """None where keys do not tell the items apart."""
    try:
        found = {key(item): item for item in items}
    except (KeyError, TypeError, StopIteration):
        return None
    return found if len(found) == len(items) else None


# --- putting back -------------------------------------------------------------------------------------------------


def _applied(manifest: JSON, changes: Sequence[Change], renamed: Mapping[str, str]) -> tuple[JSON, list[Change]]:
    found, overruled = deepcopy(manifest), []
    for change in changes:
        path = _renamed(change.path, renamed)
        if change.order:
            keys = tuple(renamed.get(key, key) for key in change.order) if path[-1] in _CONTAINERS else change.order
            _order(found, path, keys)
        elif not _put(found, path, change):
            overruled.append(change)
    return found, overruled


def _renamed(path: Path, renamed: Mapping[str, str]) -> Path:
    steps = list(path)
    for index, step in enumerate(steps[1:], 1):
        if isinstance(step, Item) and steps[index - 1] in _CONTAINERS:
            steps[index] = Item(renamed.get(step.key, step.key))
    return tuple(steps)


def _put(node: Any, path: Path, change: Change) -> bool:
    """False where the form has another word now, or the place is no more."""
    for index, step in enumerate(path[:-1]):
        below = _get(node, step, path[:index])
        if isinstance(below, _Gone):
            if isinstance(step, Item) or change.is_gone:
                return False
            below = [] if isinstance(path[index + 1], Item) else {}
            node[step] = below
        node = below
    return _set(node, path, change)


def _set(node: Any, path: Path, change: Change) -> bool:
    step, here, was = path[-1], _get(node, path[-1], path[:-1]), change.was
    if isinstance(step, Item):
        if isinstance(was, dict) and path[-2] in _CONTAINERS:
            was = {**was, "name": step.key}
        return isinstance(node, list) and _same(here, was) and _set_item(node, here, change)
    if not isinstance(node, dict) or not _same(here, was):
        return False
    if change.is_gone:
        node.pop(step, None)
    else:
        node[step] = deepcopy(change.value)
    return True


def _set_item(items: list[Any], here: Any, change: Change) -> bool:
    at = next((index for index, item in enumerate(items) if item is here), len(items))
    items[at : at + 1] = [] if change.is_gone else [deepcopy(change.value)]
    return True


def _same(here: Any, was: Any) -> bool:
    return type(here) is type(was) and bool(here == was or isinstance(was, _Gone))


def _get(node: Any, step: Step, before: Path) -> Any:
    if not isinstance(step, Item):
        return node.get(step, GONE) if isinstance(node, dict) else GONE
    found = _keyed(node, _KEYS[str(before[-1])]) if isinstance(node, list) and before else None
    return (found or {}).get(step.key, GONE)


def _order(manifest: JSON, path: Path, keys: tuple[str, ...]) -> None:
    """Those that are told of stand in that order, the others behind them."""
    parent: Any = manifest
    for index, step in enumerate(path[:-1]):
        parent = _get(parent, step, path[:index])
    items = _get(parent, path[-1], path[:-1])
    found = _keyed(items, _KEYS[str(path[-1])]) if isinstance(items, list) else None
    if found is not None:
        parent[path[-1]] = [found[key] for key in sorted(found, key=lambda key: _rank(keys, key))]


def _rank(keys: tuple[str, ...], key: str) -> int:
    return keys.index(key) if key in keys else len(keys)


# --- as text ------------------------------------------------------------------------------------------------------


def _as_json(change: Change) -> JSON:
    made: JSON = {"kind": change.kind, "path": [[*step] if isinstance(step, Item) else step for step in change.path]}
    if change.order:
        return made | {"order": list(change.order)}
    made |= {} if isinstance(change.value, _Gone) else {"value": change.value}
    return made | ({} if isinstance(change.was, _Gone) else {"was": change.was})


def _from_json(found: JSON) -> Change:
    path: Path = tuple(Item(str(step[0])) if isinstance(step, list) else str(step) for step in found["path"])
    if (
        not path
        or isinstance(path[0], Item)
        or any(isinstance(step, Item) and str(path[index]) not in _KEYS for index, step in enumerate(path[1:]))
    ):
        raise KeyError("path")
    order = tuple(str(key) for key in found.get("order", ()))
    if order and (isinstance(path[-1], Item) or path[-1] not in _KEYS):
        raise KeyError("order")
    return Change(str(found["kind"]), path, found.get("value", GONE), found.get("was", GONE), order)


def _manifest(found: Any) -> JSON:
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict) or not found.get("kind"):
        raise TypeError("manifest")
    return found
