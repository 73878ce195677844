"""Whose an object is, by its metadata."""

from __future__ import annotations

from typing import Any


def owner_of(metadata: dict[str, Any]) -> str:
    """uid of the controlling owner, or ""."""
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference.get("uid", ""))
    return ""
