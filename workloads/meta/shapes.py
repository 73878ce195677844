"""The shape of an object: which fields it has, of what type, and how lists of it are merged.

A `Shape` is what is left of a schema when the prose is taken out. `kinds.schemas` builds them; `patches` merges by them
and the functions here walk an object along one, in microseconds.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from workloads.meta import causes, quantity, times
from workloads.meta.errors import Cause

JSON = dict[str, Any]
Type = Literal[
    "object",
    "map",
    "array",
    "string",
    "integer",
    "number",
    "boolean",
    "any",
    "int-or-string",
    "quantity",
    "time",
    "bytes",
]


class Field(NamedTuple):
    """A property of an object: its shape, and how a strategic merge treats it."""

    shape: Shape
    strategies: frozenset[str] = frozenset()
    """Of `merge`, `replace`, `retainKeys`."""
    merge_key: str = ""


@dataclass(eq=False, slots=True)
class Shape:
    """`name` is the Go type's, as upstream's decoding errors say it. Only what belongs to `type` is filled."""

    type: Type
    name: str = ""
    bits: int = 64
    """Of an integer."""
    fields: dict[str, Field] = field(default_factory=dict)
    """Of an object."""
    items: Shape | None = None
    """Of an array's elements, or a map's values."""
    atomic: bool = False
    """Of an object, map or array: whoever writes to it owns it whole."""
    keys: tuple[str, ...] = ()
    """Of an array that is not atomic: what its elements are known by. Without any it is a set."""
    always: dict[str, Any] = field(default_factory=dict)
    """Of an object: fields that Go's type cannot leave out, and what is there while nobody gave them."""


ANY = Shape("any", "interface {}")


class Mismatch(NamedTuple):
    """A value of the wrong JSON type."""

    cause: Cause
    sentence: str
    """As upstream's decoder says it: `json: cannot unmarshal string into Go struct field ...`."""


@dataclass(frozen=True)
class Findings:
    unknown: tuple[str, ...]
    """Paths of fields the schema does not have, in the object's order."""
    mismatches: tuple[Mismatch, ...]


def check(obj: JSON, shape: Shape) -> Findings:
    """Everything in `obj` that its shape does not have or has otherwise. A field that is null is as good as absent."""
    unknown: list[str] = []
    mismatches: list[Mismatch] = []
    for problem in _walk(obj, shape, path="", holder=shape.name, dotted=""):
        if isinstance(problem, str):
            unknown.append(problem)
        else:
            mismatches.append(problem)
    return Findings(tuple(unknown), tuple(mismatches))


def is_clean(value: Any, shape: Shape, known: Any = None) -> bool:
    """Whether there is nothing for `check` to find and for `prune` to drop, told a good deal faster: most objects are.
    What is as in `known` was looked at when that was stored."""
    type = shape.type
    if type == "string":
        return isinstance(value, str)
    if type == "object":
        if not isinstance(value, dict):
            return False
        fields, before = shape.fields, known if isinstance(known, dict) else _NOTHING
        for name, item in value.items():
            there = before.get(name)
            if there is not None and _is_same(there, item):
                continue
            known_field = fields.get(name)
            if known_field is None or item is None or not is_clean(item, known_field.shape, there):
                return False
        return True
    if type == "array":
        items = shape.items or ANY
        return isinstance(value, list) and all(is_clean(item, items) for item in value)
    if type == "map":
        items = shape.items or ANY
        return isinstance(value, dict) and all(item is not None and is_clean(item, items) for item in value.values())
    return _fits(value, shape)


_NOTHING: JSON = {}


def _is_same(one: Any, other: Any) -> bool:
    """In JSON: to Python, 1 and true are equal."""
    return bool(one == other) and (isinstance(other, str) or orjson.dumps(one) == orjson.dumps(other))


def prune(obj: JSON, shape: Shape) -> None:
    """Drops in place what a typed decoder would: fields the shape does not have, and nulls. The object must have passed
    `check` without mismatches."""
    for name in list(obj):
        known = shape.fields.get(name)
        if known is None or obj[name] is None:
            del obj[name]
        else:
            _prune_value(obj[name], known.shape)


def _prune_value(value: Any, shape: Shape) -> None:
    if shape.type == "object":
        prune(value, shape)
    elif shape.type == "array" and shape.items:
        for item in value:
            _prune_value(item, shape.items)
    elif shape.type == "map" and shape.items:
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        for item in value.values():
            _prune_value(item, shape.items)


def _walk(value: Any, shape: Shape, *, path: str, holder: str, dotted: str) -> Iterator[str | Mismatch]:
    """`path` is where we are as kubectl says it, `holder` and `dotted` as Go says it."""
    kind = shape.type
    if kind == "object":
        if not isinstance(value, dict):
            yield _mismatch(value, shape, path=path, holder=holder, dotted=dotted)
            return
        for name, item in value.items():
            known = shape.fields.get(name)
            inner = f"{path}.{name}" if path else name
            if known is None:
                yield inner
            elif item is not None:
                go = f"{dotted}.{name}" if dotted else name
                yield from _walk(item, known.shape, path=inner, holder=shape.name, dotted=go)
    elif kind == "array" and isinstance(value, list):
        items = shape.items or ANY
        for index, item in enumerate(value):
            yield from _walk(item, items, path=f"{path}[{index}]", holder=holder, dotted=dotted)
    elif kind == "map" and isinstance(value, dict):
        items = shape.items or ANY
        for key, item in value.items():
            if item is not None:
                yield from _walk(item, items, path=f"{path}[{key}]", holder=holder, dotted=dotted)
    elif not _fits(value, shape):
        yield _mismatch(value, shape, path=path, holder=holder, dotted=dotted)


def _fits(value: Any, shape: Shape) -> bool:
    match shape.type:
        case "string":
            return isinstance(value, str)
        case "integer":
            return _is_integer(value) and -(1 << shape.bits - 1) <= value < 1 << shape.bits - 1
        case "boolean":
            return isinstance(value, bool)
        case "any":
            return True
        case "int-or-string":
            return isinstance(value, str) or (_is_integer(value) and -(1 << 31) <= value < 1 << 31)
        case "quantity":
            return not quantity.problem(value)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "time":
            return isinstance(value, str) and _is_time(value)
        case "bytes":
            return isinstance(value, str) and _is_base64(value)
    return False


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_time(value: str) -> bool:
    try:
        times.parse(value)
    except ValueError:
        return False
    return True


def _is_base64(value: str) -> bool:
    try:
        binascii.a2b_base64(value.replace("\n", ""), strict_mode=True)
    except (binascii.Error, ValueError):
        return False
    return True


_WANTED: dict[Type, str] = {
    "object": "an object",
    "map": "an object",
    "array": "a list",
    "string": "a string; put it in quotes",
    "boolean": "true or false",
    "number": "a number",
    "int-or-string": "an integer or a string",
    "time": "an RFC 3339 time such as 2006-01-02T15:04:05Z",
    "bytes": "base64",
}


def _mismatch(value: Any, shape: Shape, *, path: str, holder: str, dotted: str) -> Mismatch:
    if shape.type == "quantity":
        wanted = quantity.problem(value)
        return Mismatch(causes.invalid(path, value, wanted), f"{path}: {wanted}")
    wanted = _WANTED.get(shape.type, f"an integer of {shape.bits} bits")
    sentence = (
        f"json: cannot unmarshal {_json_type(value)} into Go struct field {holder}.{dotted} of type {_go_type(shape)}"
    )
    return Mismatch(causes.wrong_type(path, value, wanted), sentence)


def _json_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return f"number {value}" if not isinstance(value, int) else "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _go_type(shape: Shape) -> str:
    match shape.type:
        case "integer":
            return f"int{shape.bits}"
        case "boolean":
            return "bool"
        case "array":
            return f"[]{_go_type(shape.items or ANY)}"
        case "map":
            return f"map[string]{_go_type(shape.items or ANY)}"
        case "bytes":
            return "[]uint8"
        case "number":
            return "float64"
        case "time":
            return "v1.Time"
        case "int-or-string":
            return "intstr.IntOrString"
        case "object" | "any":
            return shape.name
    return "string"
