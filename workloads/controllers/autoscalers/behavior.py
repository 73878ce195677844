"""How fast a recommendation may be followed: stabilization windows, scaling policies, least and most. Pure; the rules
are kube-controller-manager's.

What they look back at is kept in the object (`status.history`), so that a controller that was killed remembers. A
recommendation is kept when it differs from the one before, and counts until then: while nobody looked, the last one
stood.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from workloads.kinds import autoscalers
from workloads.meta import times

JSON = dict[str, Any]


@dataclass(frozen=True)
class Mark:
    """A recommendation of `replicas` pods, or a change by so many."""

    replicas: int
    at: datetime


@dataclass(frozen=True)
class History:
    recommendations: tuple[Mark, ...] = ()
    ups: tuple[Mark, ...] = ()
    downs: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, status: JSON) -> History:
        kept = status.get("history") or {}
        return cls(*(_marks(kept.get(name)) for name in ("recommendations", "ups", "downs")))

    def written(self) -> JSON:
        found = {"recommendations": self.recommendations, "ups": self.ups, "downs": self.downs}
        return {
            name: [{"replicas": mark.replicas, "at": times.format_micro(mark.at)} for mark in marks]
            for name, marks in found.items()
            if marks
        }

    def scaled(self, *, before: int, after: int, now: datetime) -> History:
        """With the change that is about to be made."""
        longest = timedelta(seconds=autoscalers.LONGEST_PERIOD)
        mark = Mark(abs(after - before), now)
        if after > before:
            return replace(self, ups=(*_since(self.ups, now - longest), mark))
        return replace(self, downs=(*_since(self.downs, now - longest), mark))

    def recommended(self, replicas: int, *, now: datetime) -> History:
        """What no window reaches back to any more goes; the one that stood when it opens stays."""
        marks = self.recommendations
        if not marks or marks[-1].replicas != replicas:
            marks = (*marks, Mark(replicas, now))
        cutoff = now - timedelta(seconds=autoscalers.LONGEST_WINDOW)
        older = [mark for mark in marks if mark.at <= cutoff]
        return replace(self, recommendations=(*older[-1:], *_since(marks, cutoff)))

    def stood_since(self, cutoff: datetime) -> Iterable[int]:
        """Every recommendation that stood at some time after `cutoff`, but for the present one."""
        ends = [mark.at for mark in self.recommendations[1:]]
        for mark, end in zip(self.recommendations, ends, strict=False):
            if end > cutoff:
                yield mark.replicas
        if self.recommendations:
            yield self.recommendations[-1].replicas


@dataclass(frozen=True)
class Said:
    """A condition's reason and message."""

    reason: str
    message: str


@dataclass(frozen=True)
class Decision:
    """`replicas` as they shall be; `able` and `limited` are what the conditions say."""

    replicas: int
    history: History
    able: Said
    limited: Said
    is_limited: bool = field(default=False)


FEW = 4
"""Without a behavior, so many at once are always allowed, and twice as many as there are."""

READY = Said("ReadyForNewScale", "recommended size matches current size")
UP_STABILIZED = Said(
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
DOWN_STABILIZED = Said(
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
WITHIN = Said("DesiredWithinRange", "the desired count is within the acceptable range")
UP_LIMIT = Said("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
DOWN_LIMIT = Said("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
TOO_MANY = Said("TooManyReplicas", "the desired replica count is more than the maximum replica count")
TOO_FEW = Said("TooFewReplicas", "the desired replica count is less than the minimum replica count")


def decide(spec: JSON, history: History, *, current: int, recommended: int, now: datetime) -> Decision:
    """From what the metrics recommend to what is done about it."""
    history = history if history.recommendations else history.recommended(current, now=now)
    stable, able = _stabilized(spec, history, current=current, recommended=recommended, now=now)
    replicas, limited = _limited(spec, history, current=current, wanted=stable, now=now)
    return Decision(replicas, history.recommended(recommended, now=now), able, limited, replicas != stable)


def _stabilized(spec: JSON, history: History, *, current: int, recommended: int, now: datetime) -> tuple[int, Said]:
    """Without a behavior the highest recommendation of five minutes counts, whichever way it goes."""
    behavior = spec.get("behavior")
    up = bool(behavior) and recommended >= current
    side = (behavior or {}).get("scaleUp" if up else "scaleDown") or {}
    seconds = side.get("stabilizationWindowSeconds", 0 if up else autoscalers.DOWN_WINDOW_SECONDS)
    past = history.stood_since(now - timedelta(seconds=seconds)) if seconds else ()
    stable = min((recommended, *past)) if up else max((recommended, *past))
    if stable == recommended:
        return stable, READY
    return stable, UP_STABILIZED if up else DOWN_STABILIZED


def _limited(spec: JSON, history: History, *, current: int, wanted: int, now: datetime) -> tuple[int, Said]:
    least, most = int(spec["minReplicas"]), int(spec["maxReplicas"])
    behavior = spec.get("behavior")
    if wanted > current:
        limit = max(FEW, 2 * current)
        if behavior:
            limit = max(current, _up_limit(behavior["scaleUp"], history.ups, current=current, now=now))
        allowed, why = (limit, UP_LIMIT) if most > limit else (most, TOO_MANY)
        return (allowed, why) if wanted > allowed else (wanted, WITHIN)
    if wanted < current:
        limit = least
        if behavior:
            limit = min(current, _down_limit(behavior["scaleDown"], history.downs, current=current, now=now))
        allowed, why = (limit, DOWN_LIMIT) if least < limit else (least, TOO_FEW)
        return (allowed, why) if wanted < allowed else (wanted, WITHIN)
    return wanted, WITHIN


def _up_limit(rules: JSON, events: Sequence[Mark], *, current: int, now: datetime) -> int:
    if rules["selectPolicy"] == "Disabled":
        return current
    proposals = []
    for policy in rules["policies"]:
        start = current - _changed(events, policy, now)
        percent = policy["type"] == "Percent"
        proposals.append(math.ceil(start * (100 + policy["value"]) / 100) if percent else start + policy["value"])
    return int(min(proposals) if rules["selectPolicy"] == "Min" else max(proposals))


def _down_limit(rules: JSON, events: Sequence[Mark], *, current: int, now: datetime) -> int:
    if rules["selectPolicy"] == "Disabled":
        return current
    proposals = []
    for policy in rules["policies"]:
        start = current + _changed(events, policy, now)
        percent = policy["type"] == "Percent"
        proposals.append(int(start * (100 - policy["value"]) / 100) if percent else start - policy["value"])
    return int(max(proposals) if rules["selectPolicy"] == "Min" else min(proposals))


def _changed(events: Sequence[Mark], policy: JSON, now: datetime) -> int:
    return sum(mark.replicas for mark in _since(events, now - timedelta(seconds=policy["periodSeconds"])))


def _since(marks: Iterable[Mark], cutoff: datetime) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark.at > cutoff)


def _marks(kept: Any) -> tuple[Mark, ...]:
    return tuple(Mark(int(one["replicas"]), times.parse(one["at"])) for one in kept or ())
