"""The pod specification step."""

from __future__ import annotations

from typing import Any

from workloads.kinds.base import Kind

JSON = dict[str, Any]


def settle(kind: Kind, new: JSON, old: JSON | None, *, account: str) -> tuple[str, ...]:
    return ()
