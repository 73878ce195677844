"""A container's env variables, from all that they may be taken from. Pure.

In the order written: `envFrom` first, then `env`, where a value may use the variables above it and a later entry of a
name wins. What is optional and not there leaves its variable out; so does, for `lenient` callers, what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING
from typing import Any

from workloads.kinds import ephemeral
from workloads.meta import quantity
from workloads.runtimes.bags import Bags, Missing

JSON = Mapping[str, Any]

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class Untranslatable(ValueError):
    """The pod asks for something no runtime here can give. Validation should have refused it; the text says what."""


@dataclass(frozen=True)
class Facts:
    """What env may be taken from beside the entries themselves."""

    fields: Mapping[str, str]
    """The pod's own, by field path."""
    bags: Bags
    ceiling: Mapping[str, int]
    """The pod's `cpu` (millicores) and `memory` (bytes): what a container without limits may use."""
    services: Mapping[str, str]
    """What every container is told, unless it says otherwise itself."""


def environment(container: JSON, facts: Facts, *, lenient: bool = False) -> dict[str, str]:
    """Raises Missing unless `lenient`, and Untranslatable."""
    found: dict[str, str] = dict(facts.services)
    for source in container.get("envFrom") or ():
        found.update(_whole_bag(source, facts.bags, lenient=lenient))
    for entry in container.get("env") or ():
        if "valueFrom" not in entry:
            found[entry["name"]] = expand(entry.get("value") or "", found)
            continue
        value = _value_from(entry, container, facts, lenient=lenient)
        if value is not None:
            found[entry["name"]] = value
    return found


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value; `$$` is a plain `$`; what names no variable stays as it was written."""
    result, at = [], 0
    while (dollar := text.find("$", at)) != -1:
        result.append(text[at:dollar])
        piece, at = _expand_one(text, dollar, variables)
        result.append(piece)
    return "".join(result) + text[at:]


def resource(container: JSON, reference: JSON, ceiling: Mapping[str, int]) -> str:
    """What a `resourceFieldRef` to `container` gives, in units of its divisor, rounded up."""
    part, _, name = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    amount = (resources.get(part) or {}).get(name)
    if amount is None and part == "requests":
        amount = (resources.get("limits") or {}).get(name)
    if amount is None and reference["resource"] == f"requests.{ephemeral.RESOURCE}":
        amount = "0"
    number = quantity.parse(amount) if amount is not None else quantity.parse(_ceiling(name, ceiling))
    divisor = quantity.parse(reference.get("divisor", "0")) or 1
    return str(int((number / divisor).to_integral_value(ROUND_CEILING)))


def field(path: str, fields: Mapping[str, str], *, of: str) -> str:
    """The pod's own field at `path`; a label or annotation that is not there is empty. Raises Untranslatable."""
    if _SUBSCRIPT.fullmatch(path):
        return fields.get(path, "")
    if path not in fields:
        raise Untranslatable(f"{of}: field path {path!r} is not supported")
    return fields[path]


def _whole_bag(source: JSON, bags: Bags, *, lenient: bool) -> Iterator[tuple[str, str]]:
    prefix = source.get("prefix") or ""
    reference = source.get("configMapRef") or source.get("secretRef") or {}
    try:
        if "configMapRef" in source:
            # binaryData is for files
            texts = (bags.found.get(("ConfigMap", reference["name"])) or {}).get("data") or {}
            values = {key: value for key, value in bags.all("ConfigMap", reference["name"]).items() if key in texts}
        else:
            values = dict(bags.all("Secret", reference["name"]))
    except Missing:
        if lenient or reference.get("optional"):
            return
        raise
    for key, value in sorted(values.items()):
        yield prefix + key, value.decode(errors="replace")


def _value_from(entry: JSON, container: JSON, facts: Facts, *, lenient: bool) -> str | None:
    """None: the variable is left out."""
    source = entry["valueFrom"]
    if "fieldRef" in source:
        return field(source["fieldRef"]["fieldPath"], facts.fields, of=f"env {entry['name']}")
    if "resourceFieldRef" in source:
        return resource(container, source["resourceFieldRef"], facts.ceiling)
    if "configMapKeyRef" in source:
        reference, bag = source["configMapKeyRef"], "ConfigMap"
    elif "secretKeyRef" in source:
        reference, bag = source["secretKeyRef"], "Secret"
    else:
        raise Untranslatable(f"env {entry['name']}: valueFrom {', '.join(source)} is not supported yet")
    try:
        value = facts.bags.value("Secret" if bag == "Secret" else "ConfigMap", reference["name"], reference["key"])
    except Missing:
        if lenient or reference.get("optional"):
            return None
        raise
    return value.decode(errors="replace")


def _ceiling(name: str, ceiling: Mapping[str, int]) -> str:
    if name == ephemeral.RESOURCE:
        return str(ephemeral.WRITABLE_DISK)
    return f"{ceiling['cpu']}m" if name == "cpu" else str(ceiling["memory"])


def _expand_one(text: str, dollar: int, variables: Mapping[str, str]) -> tuple[str, int]:
    """What stands for the `$` at `dollar`, and where the text goes on."""
    following = text[dollar + 1 : dollar + 2]
    if following == "$":
        return "$", dollar + 2
    if following != "(":
        return "$", dollar + 1
    end = text.find(")", dollar)
    if end == -1:
        return "$(", dollar + 2
    return variables.get(text[dollar + 2 : end], text[dollar : end + 1]), end + 1
