"""Objects field by field, along their shape: which fields they have, in which they differ, one merged into the other,
some taken out. What server-side apply is made of; sets of fields are those of `fieldsets`.

A list or map is atomic (one field, whoever writes it owns it whole) or its elements are fields of their own, known by
their keys (a list-map), or by themselves (a set). What is atomic, the shape says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from workloads.meta import fieldsets
from workloads.meta.fieldsets import LEAF, NOTHING, Fields
from workloads.meta.shapes import ANY, Shape

JSON = dict[str, Any]

_ABSENT: Final = object()
_KEY_DEFAULTS: JSON = {"protocol": "TCP"}
"""Keys that may be left out of an element: those of ports."""


class Comparison(NamedTuple):
    added: Fields
    modified: Fields
    removed: Fields

    @property
    def taken(self) -> Fields:
        """What a writer of this change has set."""
        return fieldsets.union(self.added, self.modified)

    def without(self, trees: Fields) -> Comparison:
        return Comparison(*(fieldsets.without_trees(part, trees) for part in self))


SAME: Final = Comparison(NOTHING, NOTHING, NOTHING)


class Problem(NamedTuple):
    """Where (as kubectl prints a path) and what is wrong with something that is to be applied."""

    path: str
    message: str


def problems(config: Any, shape: Shape, path: str = "") -> Iterator[Problem]:
    """What keeps `config` from being merged: fields that the shape does not have, elements that cannot be told apart.
    Types of single values are looked at when the object is read."""
    if config is None:
        return
    if shape.type in ("object", "map"):
        if not isinstance(config, dict):
            yield Problem(path, f"expected map, got {_go_type(config)}")
            return
        for name, value in config.items():
            inner = shape.items if shape.type == "map" else _shape_of_field(shape, name)
            if inner is None:
                yield Problem(f"{path}.{name}", "field not declared in schema")
            else:
                yield from problems(value, inner, f"{path}.{name}")
    elif shape.type == "array":
        yield from _list_problems(config, shape, path)


def fields_of(config: JSON, shape: Shape) -> Fields:
    """The fields that whoever applies `config` says something about."""
    return _fields_of(config, shape) or NOTHING


def compare(old: JSON, new: JSON, shape: Shape) -> Comparison:
    if old == new:
        return SAME
    return _parts(_compare(old, new, shape))


def merged(live: JSON, config: JSON, shape: Shape) -> JSON:
    """`live` with what `config` says; lists with keys are merged element by element. Neither is changed."""
    result = _merged(live, config, shape)
    return result if isinstance(result, dict) else {}


def without(obj: JSON, fields: Fields, shape: Shape) -> JSON:
    """`obj` without these fields; it is not changed."""
    result = _without(obj, fields, shape)
    return result if isinstance(result, dict) else {}


def with_named(fields: Fields, shape: Shape) -> Fields:
    """The same set with every field of an object on the way to its members in it: who takes out `spec.strategy.type`
    and nothing else is left takes `strategy` along, but a map of labels stays."""
    result: Fields = {}
    for step, inner in fields.items():
        if not inner:
            result[step] = inner
            continue
        child = _shape_of_step(shape, step)
        deeper = with_named(inner, child)
        if shape.type == "object" and step.startswith("f:") and step[2:] in shape.fields:
            deeper = fieldsets.node(fieldsets.below(deeper), member=True)
        result[step] = deeper
    return result


# --- steps and shapes ---------------------------------------------------------------------------------------------


def _is_granular_map(shape: Shape) -> bool:
    return shape.type in ("object", "map") and not shape.atomic


def _is_granular_list(shape: Shape) -> bool:
    return shape.type == "array" and not shape.atomic


def _shape_of_field(shape: Shape, name: str) -> Shape | None:
    known = shape.fields.get(name)
    return None if known is None else known.shape


def _inner(shape: Shape, name: str) -> Shape:
    """Of a field or a key."""
    if shape.type == "map":
        return shape.items or ANY
    return _shape_of_field(shape, name) or ANY


def _shape_of_step(shape: Shape, step: str) -> Shape:
    if step.startswith("f:"):
        return _inner(shape, step[2:])
    return shape.items or ANY


def _is_declared(shape: Shape, name: str) -> bool:
    return shape.type == "object" and name in shape.fields


def _step_of(item: Any, shape: Shape) -> str:
    """To an element of a list. Raises ValueError where it cannot be told apart from others."""
    if not shape.keys:
        if item is None:
            raise ValueError("associative list without keys has an element that's an explicit null")
        if isinstance(item, dict):
            raise ValueError("associative list without keys has an element that's a map type")
        if isinstance(item, list):
            raise ValueError("not supported: associative list with lists as elements")
        return fieldsets.valued(item)
    if item is None:
        raise ValueError("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise ValueError("associative list with keys may not have non-map elements")
    keys = {key: item.get(key, _KEY_DEFAULTS.get(key, _ABSENT)) for key in shape.keys}
    for key, value in keys.items():
        if value is _ABSENT:
            raise ValueError(
                f'associative list with keys has an element that omits key field "{key}" '
                "(and doesn't have default value)"
            )
    return fieldsets.keyed(keys)


def _steps(items: Any, shape: Shape) -> dict[str, list[Any]]:
    """Elements by their step; what stands in a list twice is listed twice. Those without a step are nobody's."""
    found: dict[str, list[Any]] = {}
    for item in items or ():
        try:
            found.setdefault(_step_of(item, shape), []).append(item)
        except ValueError:
            continue
    return found


def _list_problems(config: Any, shape: Shape, path: str) -> Iterator[Problem]:
    if not isinstance(config, list):
        yield Problem(path, f"expected list, got {_go_type(config)}")
        return
    seen = set()
    for index, item in enumerate(config):
        where = f"{path}[{index}]"
        if not shape.atomic:
            try:
                step = _step_of(item, shape)
            except ValueError as error:
                yield Problem(path, f"element {index}: {error}")
                return
            where = path + fieldsets.shown_step(step)
            if step in seen:
                yield Problem(path, f"duplicate entries for key {fieldsets.shown_step(step)}")
            seen.add(step)
        yield from problems(item, shape.items or ANY, where)


def _go_type(value: Any) -> str:
    return {dict: "map", list: "list", str: "string", bool: "boolean"}.get(type(value), "number")


# --- which fields -------------------------------------------------------------------------------------------------


def _fields_of(value: Any, shape: Shape) -> Fields | None:
    """What stands behind the step to `value`; None where nothing does."""
    if _is_granular_map(shape):
        found = {}
        for name, item in (value or {}).items():
            inner = _fields_of(item, _inner(shape, name))
            if item is None or item == {} or not _is_declared(shape, name):
                inner = fieldsets.node(inner or NOTHING, member=True)
            if inner is not None:
                found[fieldsets.field(name)] = inner
        return found or None
    if _is_granular_list(shape):
        return _elements_of(value, shape) or None
    return LEAF


def _elements_of(items: Any, shape: Shape) -> Fields:
    found = {}
    for step, equal in _steps(items, shape).items():
        inner = _fields_of(equal[0], shape.items or ANY) if len(equal) == 1 else None
        found[step] = fieldsets.node(inner or NOTHING, member=True)
    return found


def _whole(value: Any, shape: Shape) -> Fields:
    """What stands behind the step to something that came or went whole."""
    found = {}
    if _is_granular_map(shape):
        for name, item in (value or {}).items():
            found[fieldsets.field(name)] = _whole(item, _inner(shape, name))
        for name, empty in shape.always.items():
            if empty == {}:
                found.setdefault(fieldsets.field(name), LEAF)
    elif _is_granular_list(shape):
        for step, equal in _steps(value, shape).items():
            found[step] = _whole(equal[0], shape.items or ANY) if len(equal) == 1 else LEAF
    return fieldsets.node(found, member=True)


# --- differences --------------------------------------------------------------------------------------------------

_Parts = tuple[Fields | None, Fields | None, Fields | None]
"""Behind one step: what was added, modified, removed."""
_UNCHANGED: _Parts = (None, None, None)


def _parts(found: _Parts) -> Comparison:
    return Comparison(*(part or NOTHING for part in found))


def _compare(old: Any, new: Any, shape: Shape) -> _Parts:
    """Both are there."""
    if (old or new) and (old is None or new is None or type(old) is type(new)):
        if _is_granular_map(shape):
            return _compare_maps(old or {}, new or {}, shape)
        if _is_granular_list(shape):
            return _compare_lists(old or [], new or [], shape)
    return _UNCHANGED if old == new else (None, LEAF, None)


def _compare_maps(old: JSON, new: JSON, shape: Shape) -> _Parts:
    """Where Go's types have a field that cannot be absent, an absent one is an empty one."""
    added: Fields = {}
    modified: Fields = {}
    removed: Fields = {}
    always = shape.always
    for name in old if old.keys() == new.keys() else dict.fromkeys((*old, *new)):
        before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
        if before == after:
            continue
        if name in always:
            before = always[name] if before is _ABSENT else before
            after = always[name] if after is _ABSENT else after
        step = fieldsets.field(name)
        if before is _ABSENT:
            added[step] = _whole(after, _inner(shape, name))
        elif after is _ABSENT:
            removed[step] = _whole(before, _inner(shape, name))
        else:
            _note(_compare(before, after, _inner(shape, name)), step, added, modified, removed)
    return added or None, modified or None, removed or None


def _compare_lists(old: list[Any], new: list[Any], shape: Shape) -> _Parts:
    added: Fields = {}
    modified: Fields = {}
    removed: Fields = {}
    if len(old) == len(new):  # mostly one element changed in its place, and none of the others is looked at
        pairs = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
        old, new = [one for one, _ in pairs], [other for _, other in pairs]
    before, after, inner = _steps(old, shape), _steps(new, shape), shape.items or ANY
    for step in before if before.keys() == after.keys() else dict.fromkeys((*before, *after)):
        olds, news = before.get(step, []), after.get(step, [])
        if len(olds) <= 1 and len(news) <= 1:
            if not olds:
                added[step] = _whole(news[0], inner)
            elif not news:
                removed[step] = _whole(olds[0], inner)
            else:
                _note(_compare(olds[0], news[0], inner), step, added, modified, removed)
        elif len(olds) > 1 and len(news) > 1:
            if olds != news:
                modified[step] = LEAF
        elif len(olds) > 1:
            if news:
                added[step] = _whole(news[0], inner)
            removed[step] = LEAF
        else:
            if olds:
                removed[step] = _whole(olds[0], inner)
            added[step] = LEAF
    return added or None, modified or None, removed or None


def _note(found: _Parts, step: str, *parts: Fields) -> None:
    for part, changed in zip(parts, found, strict=True):
        if changed is not None:
            part[step] = changed


# --- merging ------------------------------------------------------------------------------------------------------


def _merged(live: Any, config: Any, shape: Shape) -> Any:
    """Either may be absent; what is empty afterwards and was not meant to be is absent."""
    if live is _ABSENT or config is _ABSENT:
        return live if config is _ABSENT else config
    if live or config:
        if _is_granular_map(shape):
            return _merged_maps(live or {}, config or {}, shape)
        if _is_granular_list(shape):
            return _merged_lists(live or [], config or [], shape)
    return config


def _merged_maps(live: JSON, config: JSON, shape: Shape) -> JSON:
    result = dict(live)
    for name, value in config.items():
        result[name] = _merged(live.get(name, _ABSENT), value, _inner(shape, name))
    return result


def _merged_lists(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    """Elements that both have stand in the order of `config`; each side's own keep their place relative to them."""
    mine = [_step_of(item, shape) for item in config]
    theirs = _steps(live, shape)
    given = dict(zip(mine, config, strict=True))
    places: list[tuple[str, Any]] = []
    for item in live:
        try:
            places.append((_step_of(item, shape), item))
        except ValueError:
            places.append(("", item))
    shared = [step for step in mine if step in theirs]
    out: list[Any] = []
    done: set[str] = set()
    left = right = 0

    def take(step: str) -> None:
        """The element of `config`, merged into the one that is there."""
        before = theirs.get(step, [])
        out.append(_merged(before[0] if len(before) == 1 else _ABSENT, given[step], shape.items or ANY))
        done.add(step)
        if shared and shared[0] == step:
            shared.pop(0)

    while left < len(places) or right < len(mine):
        if left < len(places):
            step, item = places[left]
            if right < len(mine) and step == mine[right]:
                take(step)
                left, right = left + 1, right + 1
                continue
            if right < len(mine) and step in given and shared and shared[0] != step:
                left += 1
                continue
            if step not in given:
                out.append(item)
                left += 1
                continue
            if step in done:
                left += 1
        if right < len(mine):
            take(mine[right])
            right += 1
    return out


# --- taking out ---------------------------------------------------------------------------------------------------


def _without(value: Any, fields: Fields, shape: Shape) -> Any:
    """None where nothing is left."""
    if _is_granular_map(shape) and isinstance(value, dict):
        kept = {}
        for name, item in value.items():
            inner = fields.get(fieldsets.field(name))
            if inner is None:
                kept[name] = item
            elif not fieldsets.is_member(inner):
                kept[name] = _without(item, inner, _inner(shape, name))
        return kept or None
    if _is_granular_list(shape) and isinstance(value, list):
        return _elements_without(value, fields, shape) or None
    return value


def _elements_without(items: list[Any], fields: Fields, shape: Shape) -> list[Any]:
    kept = []
    for item in items:
        try:
            inner = fields.get(_step_of(item, shape))
        except ValueError:
            inner = None
        if inner is None:
            kept.append(item)
        elif not fieldsets.is_member(inner):
            kept.append(_without(item, inner, shape.items or ANY))
    return kept
