"""Whose an object is, by its metadata."""

from __future__ import annotations

from typing import Any


def owner_of(metadata: dict[str, Any]) -> str:
    """uid of the controlling owner, or ""."""
    return _told(metadata, "uid")


def owner_kind_of(metadata: dict[str, Any]) -> str:
    """Kind of the controlling owner, or ""."""
    return _told(metadata, "kind")


def _told(metadata: dict[str, Any], field: str) -> str:
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference.get(field, ""))
    return ""
