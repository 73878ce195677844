"""Objects as bytes, in one canonical order, so that equal objects have equal bytes and the store can put the
revision in without parsing.

`dump` writes apiVersion, kind, metadata, then the rest; the first key of metadata is always `resourceVersion`, with the
value "0". `stamp` puts the real one there.
"""

from __future__ import annotations

from typing import Any

import orjson

JSON = dict[str, Any]

MARK = b'"metadata":{"resourceVersion":"0"'
"""What `dump` always writes. Its first occurrence is the object itself: only apiVersion and kind stand before."""


def dump(obj: JSON) -> bytes:
    """Canonical bytes of `obj`. Its own resourceVersion is not kept: the revision is the store's to say."""
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name != "resourceVersion"}
    ordered: JSON = {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "metadata": {"resourceVersion": "0", **metadata},
    }
    ordered.update((name, value) for name, value in obj.items() if name not in ordered)
    return orjson.dumps(ordered)


def stamp(data: bytes, revision: int) -> bytes:
    """`data` as `dump` wrote it, with `revision` as its resourceVersion."""
    return data.replace(MARK, MARK[:-2] + b'%d"' % revision, 1)


def load(data: bytes) -> JSON:
    """The object again. Raises ValueError when `data` is not a JSON object."""
    obj = orjson.loads(data)
    if not isinstance(obj, dict):
        raise ValueError("an object's bytes must hold a JSON object")
    return obj
