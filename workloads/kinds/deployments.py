"""Deployment (apps/v1): a number of equal pods that is replaced, a few at a time, when its template changes."""

from __future__ import annotations

import re
from typing import Any, Literal

from workloads.kinds import health, objectmeta, replicated, sleeping
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME, number, template_columns
from workloads.kinds.registry import register
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

ROLLING, RECREATE = "RollingUpdate", "Recreate"
DEFAULT_STEP = "25%"
REVISION_HISTORY = 10
PROGRESS_DEADLINE_SECONDS = 600

_PERCENT = re.compile("[0-9]{1,9}%")


def share(value: int | str, replicas: int, *, rounding: Literal["up", "down"]) -> int:
    """`maxSurge` (rounded up) or `maxUnavailable` (rounded down) as a number of pods. Validated before."""
    if isinstance(value, int):
        return value
    hundredths = int(value[:-1]) * replicas
    return -(-hundredths // 100) if rounding == "up" else hundredths // 100


def default(obj: JSON) -> None:
    replicated.default(obj)
    spec = obj["spec"]
    spec.setdefault("revisionHistoryLimit", REVISION_HISTORY)
    spec.setdefault("progressDeadlineSeconds", PROGRESS_DEADLINE_SECONDS)
    strategy = spec.setdefault("strategy", {})
    if not strategy.get("type"):
        strategy["type"] = ROLLING
    if strategy["type"] == ROLLING:
        steps = strategy.setdefault("rollingUpdate", {})
        steps.setdefault("maxUnavailable", DEFAULT_STEP)
        steps.setdefault("maxSurge", DEFAULT_STEP)


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec = obj["spec"]
    found = objectmeta.validate(obj) + objectmeta.description(obj) + replicated.validate(obj, old, kind="deployment")
    found += sleeping.validate(obj) + replicated.at_least_zero(spec, "revisionHistoryLimit")
    found += replicated.at_least_zero(spec, "progressDeadlineSeconds")
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        rule = "must be greater than minReadySeconds"
        found.append(causes.invalid("spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"], rule))
    return found + _strategy(spec["strategy"])


def prepare(obj: JSON, old: JSON | None) -> None:
    if old is None:
        obj["status"] = {}
    sleeping.settle(obj)


def _strategy(strategy: JSON) -> list[Cause]:
    if strategy["type"] not in (ROLLING, RECREATE):
        return [causes.unsupported("spec.strategy.type", strategy["type"], (RECREATE, ROLLING))]
    if strategy["type"] == RECREATE:
        if strategy.get("rollingUpdate") is None:
            return []
        rule = "may not be specified when strategy `type` is 'Recreate'"
        return [causes.forbidden("spec.strategy.rollingUpdate", rule)]
    field, steps = "spec.strategy.rollingUpdate", strategy["rollingUpdate"]
    found = _step(steps["maxUnavailable"], f"{field}.maxUnavailable", at_most_all=True)
    found += _step(steps["maxSurge"], f"{field}.maxSurge", at_most_all=False)
    if not found and _is_zero(steps["maxUnavailable"]) and _is_zero(steps["maxSurge"]):
        rule = "may not be 0 when `maxSurge` is 0"
        found.append(causes.invalid(f"{field}.maxUnavailable", steps["maxUnavailable"], rule))
    return found


def _step(value: int | str, field: str, *, at_most_all: bool) -> list[Cause]:
    if isinstance(value, int):
        return [causes.invalid(field, value, "must be greater than or equal to 0")] if value < 0 else []
    if not _PERCENT.fullmatch(value):
        rule = (
            "a valid percent string must be a numeric string followed by an ending '%' "
            "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        )
        return [causes.invalid(field, value, rule)]
    if at_most_all and int(value[:-1]) > 100:
        return [causes.invalid(field, value, "must not be greater than 100%")]
    return []


def _is_zero(value: int | str) -> bool:
    return value == 0 or (isinstance(value, str) and int(value[:-1]) == 0)


def _ready(obj: JSON) -> str:
    return f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"


KIND = register(
    Kind(
        name="Deployment",
        plural="deployments",
        group="apps",
        version="v1",
        schema="io.k8s.api.apps.v1.Deployment",
        singular="deployment",
        short_names=("deploy",),
        categories=("all",),
        subresources=("status", "scale"),
        columns=(
            NAME,
            Column("Ready", lambda obj, now: _ready(obj), description="Number of the pod with ready state"),
            Column("Up-to-date", lambda obj, now: number(obj, "status", "updatedReplicas"), type="integer"),
            Column("Available", lambda obj, now: number(obj, "status", "availableReplicas"), type="integer"),
            AGE,
            *template_columns(),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(health=health.of_deployment(obj)),
    )
)
