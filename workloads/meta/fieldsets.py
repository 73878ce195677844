"""Sets of fields, in the form in which `metadata.managedFields` writes them (FieldsV1), so that nothing is decoded to
work with them.

    {"f:spec": {"f:replicas": {}, "f:ports": {".": {}, "k:{\"port\":80}": {".": {}, "f:name": {}}}}}

A step is `f:` a field's name, `k:` the keys of an element of a list, `v:` the value of an element of a set, or `i:` a
place in a list. A step that leads nowhere (`{}`), or holds `.`, is in the set; one that only leads on is not. A set of
nothing is `{}`. Sets are never changed once they are made: they share their branches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

Fields = dict[str, Any]
Path = tuple[str, ...]

SELF: Final = "."
LEAF: Final[Fields] = {}
NOTHING: Final[Fields] = {}
_KINDS = ("f:", "k:", "v:", "i:")


def field(name: str) -> str:
    """The step to a field of an object, or to a key of a map."""
    return f"f:{name}"


def keyed(keys: Fields) -> str:
    """The step to the element of a list that has these keys."""
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def valued(value: Any) -> str:
    """The step to an element of a set."""
    return "v:" + orjson.dumps(value).decode()


def node(children: Fields, *, member: bool) -> Fields:
    """What stands behind a step."""
    if member and children:
        return {SELF: LEAF, **children}
    return LEAF if member else children


def union(one: Fields, other: Fields) -> Fields:
    if not one or not other:
        return one or other
    result = dict(one)
    for step, theirs in other.items():
        mine = result.get(step)
        result[step] = theirs if mine is None else _joined(mine, theirs)
    return result


def difference(one: Fields, other: Fields) -> Fields:
    """What is in `one` and not in `other`. What stands below a member of `other` is another matter."""
    if not one or not other:
        return one
    result: Fields = {}
    for step, mine in one.items():
        theirs = other.get(step)
        left = mine if theirs is None else _left(mine, theirs)
        if left is not None:
            result[step] = left
    return result


def intersection(one: Fields, other: Fields) -> Fields:
    if not one or not other:
        return NOTHING
    result: Fields = {}
    for step, mine in one.items():
        theirs = other.get(step)
        if theirs is None:
            continue
        both = _both(mine, theirs)
        if both is not None:
            result[step] = both
    return result


def without_trees(one: Fields, trees: Fields) -> Fields:
    """`one` without the members of `trees` and everything below them."""
    if not one or not trees:
        return one
    result: Fields = {}
    for step, mine in one.items():
        theirs = trees.get(step)
        if theirs is None:
            result[step] = mine
        elif not is_member(theirs):
            member, rest = is_member(mine), without_trees(below(mine), theirs)
            if member or rest:
                result[step] = node(rest, member=member)
    return result


def has(fields: Fields, *path: str) -> bool:
    for step in path:
        found = fields.get(step)
        if found is None:
            return False
        fields = found
    return is_member(fields)


def is_member(found: Fields) -> bool:
    """Of what stands behind a step."""
    return not found or SELF in found


def below(found: Fields) -> Fields:
    """The set of what stands below a step."""
    return {step: inner for step, inner in found.items() if step != SELF} if SELF in found else found


def members(fields: Fields) -> Iterator[Path]:
    """In upstream's order: on each level first what is in the set, then what stands below."""
    steps = sorted(step for step in fields if step != SELF)
    for step in steps:
        if is_member(fields[step]):
            yield (step,)
    for step in steps:
        for rest in members(fields[step]):
            yield (step, *rest)


def shown(path: Path) -> str:
    """As kubectl prints it: `.spec.template.spec.containers[name="web"].image`."""
    return "".join(map(shown_step, path))


def shown_step(step: str) -> str:
    rest = step[2:]
    if step.startswith("f:"):
        return f".{rest}"
    if step.startswith("k:"):
        pairs = orjson.loads(rest).items()
        return "[" + ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in pairs) + "]"
    return f"[={rest}]" if step.startswith("v:") else f"[{rest}]"


def ordered(fields: Fields) -> Fields:
    """The same set with its steps in order, as it is written down."""
    return {step: ordered(fields[step]) if fields[step] else LEAF for step in sorted(fields)}


def checked(given: Any) -> Fields:
    """A stranger's FieldsV1 as a set of ours. Raises ValueError."""
    if not isinstance(given, dict):
        raise ValueError("a set of fields must be an object")
    result: Fields = {}
    for step, inner in given.items():
        known = _checked_step(step)
        found = LEAF if known == SELF else _branch(checked(inner))
        result[known] = found
    return result


def _branch(found: Fields) -> Fields:
    return LEAF if found.keys() == {SELF} else found


def _checked_step(step: str) -> str:
    if step == SELF:
        return step
    if not step.startswith(_KINDS):
        raise ValueError(f"{step[:40]!r} is no step of a set of fields: it must begin with f:, k:, v: or i:")
    if step.startswith("f:"):
        return step
    value = orjson.loads(step[2:])
    if step.startswith("k:"):
        if not isinstance(value, dict) or not value:
            raise ValueError(f"{step[:40]!r} must name keys")
        return keyed(value)
    if step.startswith("i:") and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{step[:40]!r} must name a place")
    return step[:2] + orjson.dumps(value).decode()


def _joined(mine: Fields, theirs: Fields) -> Fields:
    if not mine or not theirs:
        return node(below(mine or theirs), member=True)
    return union(mine, theirs)


def _left(mine: Fields, theirs: Fields) -> Fields | None:
    member = is_member(mine) and not is_member(theirs)
    rest = difference(below(mine), below(theirs))
    return node(rest, member=member) if member or rest else None


def _both(mine: Fields, theirs: Fields) -> Fields | None:
    member = is_member(mine) and is_member(theirs)
    rest = intersection(below(mine), below(theirs))
    return node(rest, member=member) if member or rest else None
