"""What ConfigMap and Secret have in common: a bag of values by key, its size, and `immutable`. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

MOST_BYTES = 1024 * 1024
"""Of all values together, decoded."""
LONGEST_KEY = 253

_KEY = "[-._a-zA-Z0-9]+"
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{_KEY}')"
)
_FROZEN = "field is immutable when `immutable` is set"


def key_problems(key: str) -> list[str]:
    """What is wrong with `key` as the name of a value (and of a file), in Kubernetes' words."""
    found = []
    if len(key) > LONGEST_KEY:
        found.append(f"must be no more than {LONGEST_KEY} characters")
    if not re.fullmatch(_KEY, key[: LONGEST_KEY + 1]):
        found.append(_KEY_RULE)
    if key in (".", ".."):
        found.append(f"must not be '{key}'")
    elif key.startswith(".."):
        found.append("must not start with '..'")
    return found


def keys(bag: Mapping[str, str], field: str) -> list[Cause]:
    """A cause for each key of `bag`, standing at `field`, that is none. Values are never quoted."""
    return [causes.invalid(f"{field}[{key}]", key, text) for key in bag for text in key_problems(key)]


def text_bytes(bag: Mapping[str, str]) -> int:
    return sum(len(value.encode()) for value in bag.values())


def blob_bytes(bag: Mapping[str, str]) -> int:
    """Of values that stand in base64, decoded."""
    return sum(len(blob(value)) for value in bag.values())


def blob(value: str) -> bytes:
    """A base64 value decoded. The kind's schema has checked that it is one."""
    return base64.b64decode(value)


def frozen(obj: JSON, old: JSON | None, parts: Iterable[str]) -> list[Cause]:
    """What an update may not do to an object that is immutable."""
    if old is None or not old.get("immutable"):
        return []
    found = [] if obj.get("immutable") else [causes.forbidden("immutable", _FROZEN)]
    changed = [part for part in parts if (obj.get(part) or {}) != (old.get(part) or {})]
    return found + [causes.forbidden(part, _FROZEN) for part in changed]


def tidy(obj: JSON, parts: Iterable[str]) -> None:
    """An empty bag is an absent one, so that equal objects are equal."""
    for part in parts:
        if part in obj and not obj[part]:
            del obj[part]
