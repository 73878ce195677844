"""The REST API as a page shows it: the operations of its OpenAPI document, by what they are about."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from console.rest import schema

JSON = dict[str, Any]


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    required: bool
    note: str


@dataclass(frozen=True)
class Operation:
    """One method of one address. `takes` are its body's fields, `asks` those of its query."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    asks: tuple[Field, ...]
    takes: tuple[Field, ...]
    gives: tuple[Field, ...]
    code: str


@lru_cache(maxsize=1)
def groups() -> list[tuple[str, list[Operation]]]:
    """By the first word of the path, in the document's order."""
    document, found = schema.document(), defaultdict[str, list[Operation]](list)
    for path, item in document["paths"].items():
        for method, one in item.items():
            found[one["tags"][0]].append(_operation(document, method, path, one))
    return list(found.items())


def _operation(document: JSON, method: str, path: str, one: JSON) -> Operation:
    code, done = next((code, said) for code, said in one["responses"].items() if code != "default")
    asks = [
        Field(said["name"], _type(said["schema"]), said.get("required", False), said.get("description", ""))
        for said in one.get("parameters", ())
        if said["in"] == "query"
    ]
    return Operation(
        id=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        description=one.get("description", ""),
        asks=tuple(asks),
        takes=_fields(document, one.get("requestBody", {})),
        gives=_fields(document, done),
        code=code,
    )


def _fields(document: JSON, said: JSON) -> tuple[Field, ...]:
    """Of the first form of a body; of one that is no object, what it is."""
    media = next(iter(said.get("content", {}).items()), None)
    if media is None:
        return ()
    shape = _resolved(document, media[1]["schema"])
    if "properties" not in shape:
        return (Field(media[0], _type(shape), required=True, note=shape.get("description", "")),)
    required = shape.get("required", ())
    return tuple(
        Field(name, _type(inner), name in required, inner.get("description", ""))
        for name, inner in shape["properties"].items()
    )


def _resolved(document: JSON, shape: JSON) -> JSON:
    name = shape.get("$ref", "").rpartition("/")[2]
    return dict(document["components"]["schemas"][name]) if name else shape


def _type(shape: JSON) -> str:
    """`text`, `number`, `list of User`, `past | in force | coming`."""
    if "$ref" in shape:
        return str(shape["$ref"].rpartition("/")[2].removesuffix("Answer").removesuffix("Request"))
    for word in ("allOf", "oneOf", "anyOf"):
        if word in shape:
            return " or ".join(dict.fromkeys(_type(one) for one in shape[word]))
    if "enum" in shape:
        return " | ".join(str(value) for value in shape["enum"] if value not in ("", None))
    kinds = shape.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds:
        return f"list of {_type(shape['items'])}"
    words = {"string": "time" if shape.get("format") == "date-time" else "text", "integer": "number", "null": "null"}
    return " or ".join(words.get(kind, kind) for kind in kinds)
