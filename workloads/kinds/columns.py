"""Cells that several kinds' columns share. What they print is what kubectl prints for the same kind elsewhere."""

from __future__ import annotations

from typing import Any

from workloads.kinds.base import Column
from workloads.meta import selectors, times

JSON = dict[str, Any]

NONE = "<none>"


def _age(obj: JSON, now: float) -> str:
    return times.age(obj["metadata"].get("creationTimestamp"), now)


NAME = Column(
    "Name",
    lambda obj, now: str(obj["metadata"]["name"]),
    format="name",
    description="Name must be unique within a namespace.",
)
AGE = Column("Age", _age, description="Time since the object was created.")


SCALE = (
    NAME,
    Column("Desired", lambda obj, now: number(obj, "spec", "replicas"), type="integer", description="Pods asked for."),
    Column("Available", lambda obj, now: number(obj, "status", "replicas"), type="integer", description="Pods."),
    AGE,
)
"""Of a Scale, whatever it is part of."""


def template_columns() -> tuple[Column, ...]:
    """CONTAINERS, IMAGES and SELECTOR, which `-o wide` adds to what has a pod template."""
    return (
        Column("Containers", lambda obj, now: _of_containers(obj, "name"), priority=1),
        Column("Images", lambda obj, now: _of_containers(obj, "image"), priority=1),
        Column("Selector", lambda obj, now: _selector(obj), priority=1),
    )


def number(obj: JSON, *path: str) -> int:
    """The number at `path`, 0 when there is none."""
    value: Any = obj
    for name in path:
        value = (value or {}).get(name)
    return value if isinstance(value, int) else 0


def _of_containers(obj: JSON, part: str) -> str:
    containers = obj["spec"]["template"]["spec"].get("containers") or []
    return ",".join(container.get(part, "") for container in containers)


def _selector(obj: JSON) -> str:
    selector = selectors.from_object(obj["spec"].get("selector"))
    return str(selector) if selector else NONE
