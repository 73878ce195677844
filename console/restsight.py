"""The REST API as a page shows it, in the page's language: the operations of its OpenAPI document, by their subject.

The document itself is English. What it says is found in it (`texts`) and has a catalogue of its own beside this room's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, override
from django.utils.translation import gettext as _

from console.rest import schema

JSON = dict[str, Any]


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    required: bool
    note: str
    literal: bool = False
    """Whether the type is a name or values, the same in every language."""


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


def groups() -> list[tuple[str, list[Operation]]]:
    """By the first word of the path, in the document's order."""
    found = defaultdict[str, list[Operation]](list)
    with override("en"):
        document = schema.document()
    for path, item in document["paths"].items():
        for method, one in item.items():
            found[one["tags"][0]].append(_operation(document, method, path, one))
    return list(found.items())


def texts() -> Iterator[str]:
    """All that is said in sentences, in English."""
    with override("en"):
        for _tag, operations in groups():
            for one in operations:
                fields = (*one.asks, *one.takes, *one.gives)
                yield from filter(None, (one.summary, one.description, *(field.note for field in fields)))


def _operation(document: JSON, method: str, path: str, one: JSON) -> Operation:
    code, done = next((code, said) for code, said in one["responses"].items() if code != "default")
    asks = [
        Field(said["name"], _type(said["schema"]), said.get("required", False), _said(said), _literal(said["schema"]))
        for said in one.get("parameters", ())
        if said["in"] == "query"
    ]
    return Operation(
        id=one["operationId"],
        method=method.upper(),
        path=path,
        summary=gettext(one["summary"]),
        description=_said(one),
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
        return (Field(media[0], _type(shape), required=True, note=_said(shape)),)
    required = shape.get("required", ())
    return tuple(
        Field(name, _type(inner), name in required, _said(inner), _literal(inner))
        for name, inner in shape["properties"].items()
    )


def _resolved(document: JSON, shape: JSON) -> JSON:
    name = shape.get("$ref", "").rpartition("/")[2]
    return dict(document["components"]["schemas"][name]) if name else shape


def _literal(shape: JSON) -> bool:
    return not shape.keys().isdisjoint({"$ref", "allOf", "enum"})


def _said(shape: JSON) -> str:
    """Its description; an empty message is none (gettext would answer with the catalogue's head)."""
    said = " ".join(shape.get("description", "").split())
    return gettext(said) if said else ""


def _type(shape: JSON) -> str:
    """`text`, `number`, `list of User`, `past | in force | coming`."""
    if "$ref" in shape:
        return str(shape["$ref"].rpartition("/")[2].removesuffix("Answer").removesuffix("Request"))
    for word in ("allOf", "oneOf", "anyOf"):
        if word in shape:
            return _either(_type(one) for one in shape[word])
    if "enum" in shape:
        return " | ".join(str(value) for value in shape["enum"] if value not in ("", None))
    kinds = shape.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds:
        return _("list of %(type)s") % {"type": _type(shape["items"])}
    text = _("time") if shape.get("format") == "date-time" else _("text")
    words = {
        "string": text,
        "integer": _("number"),
        "number": _("number"),
        "boolean": _("yes or no"),
        "object": _("object"),
    }
    return _either(words.get(kind, kind) for kind in kinds)


def _either(words: Iterable[str]) -> str:
    first, *others = dict.fromkeys(words)
    for other in others:
        first = _("%(first)s or %(last)s") % {"first": first, "last": other}
    return first
