"""How a pod started: queued, pulling, creating, starting, with how long each part took and what it cost. Pure, but for
the price of a span, which the caller brings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from console import spans

CostBetween = Callable[[datetime, datetime], Decimal]
_NARROWEST = 7.0
"""Per cent of the bar, so that a part of milliseconds is still seen."""


@dataclass(frozen=True)
class Part:
    kind: str
    label: str
    seconds: float
    cost: Decimal
    x: float = 0.0
    width: float = 0.0
    """Place in the bar, in per cent."""
    running: bool = False

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def text(self) -> str:
        """In the bar: as many words as fit."""
        if self.width > 26:
            return f"{self.label} {self.took}"
        return self.took if self.width > 11 else ""

    @property
    def took(self) -> str:
        """Objects are created at a whole second: what is queued for less than one, is so for "under 1 s"."""
        return _("under 1 s") if self.kind == "queued" and self.seconds < 1 else spans.duration(self.seconds)

    @property
    def svg_x(self) -> str:
        return f"{self.x:.2f}%"

    @property
    def svg_width(self) -> str:
        return f"{self.width:.2f}%"

    @property
    def svg_middle(self) -> str:
        return f"{self.middle:.2f}%"


@dataclass(frozen=True)
class Timeline:
    parts: tuple[Part, ...]
    done: bool

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)

    @property
    def cost(self) -> Decimal:
        return sum((part.cost for part in self.parts), Decimal(0))


def of_pod(pod: Mapping[str, Any], *, cost_between: CostBetween, now: datetime) -> Timeline:
    """Empty before the pod was given a place. A part that still runs ends `now`."""
    lifecycle = (pod.get("status") or {}).get("lifecycle") or {}
    pull = lifecycle.get("pull") or {}
    stops = [
        ("queued", _("queued"), pod["metadata"].get("creationTimestamp")),
        ("pull", _("image here") if _cached(pull) else _("pulling"), lifecycle.get("pullStartedAt")),
        ("create", _("creating"), lifecycle.get("pulledAt")),
        ("start", _("starting"), lifecycle.get("createdAt")),
        ("ready", _("becoming ready"), lifecycle.get("startedAt")),
    ]
    end = lifecycle.get("readyAt") or lifecycle.get("finishedAt")
    moments = [spans.parse(at) if at else None for at in (*(at for _kind, _label, at in stops), end)]
    parts, reached = [], moments[0] or now
    for index, (kind, label, _at) in enumerate(stops):
        if moments[index] is None:
            break
        following = next((moment for moment in moments[index + 1 :] if moment is not None), None)
        until = max(reached, following or now)
        cost = cost_between(reached, until) if kind != "queued" else Decimal(0)
        parts.append(Part(kind, label, (until - reached).total_seconds(), cost, running=following is None))
        reached = until
    shown = [part for part in parts if part.seconds > 0 or part.kind != "ready"]
    return Timeline(tuple(_placed(shown)), done=bool(end))


def _cached(pull: Mapping[str, Any]) -> bool:
    return bool(pull.get("cached"))


def _placed(parts: list[Part]) -> list[Part]:
    """Widths in proportion, but none too narrow to be seen."""
    total = sum(part.seconds for part in parts)
    if not parts or total <= 0:
        return parts
    raw = [max(_NARROWEST, 100 * part.seconds / total) for part in parts]
    scale = 100 / sum(raw)
    placed, x = [], 0.0
    for part, width in zip(parts, raw, strict=True):
        placed.append(Part(part.kind, part.label, part.seconds, part.cost, x, width * scale, part.running))
        x += width * scale
    return placed
