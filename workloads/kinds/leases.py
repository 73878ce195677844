"""Lease (coordination.k8s.io/v1): who leads. Kept as written; programs that elect a leader agree by its revision."""

from __future__ import annotations

from typing import Any

from workloads.kinds import objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

_ALPHA = ("strategy", "preferredHolder")
"""Behind a gate that is off in Kubernetes 1.33, which drops them as well."""


def prepare(obj: JSON, old: JSON | None) -> None:
    for name in _ALPHA:
        obj.get("spec", {}).pop(name, None)


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found, spec = objectmeta.validate(obj), obj.get("spec") or {}
    seconds, moves = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        found.append(causes.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    if moves is not None and moves < 0:
        found.append(causes.invalid("spec.leaseTransitions", moves, "must be greater than or equal to 0"))
    return found


KIND = register(
    Kind(
        name="Lease",
        plural="leases",
        group="coordination.k8s.io",
        version="v1",
        schema="io.k8s.api.coordination.v1.Lease",
        made_by_update=True,
        needs_revision=True,
        singular="lease",
        columns=(
            NAME,
            Column("Holder", lambda obj, now: (obj.get("spec") or {}).get("holderIdentity", ""), description="Who."),
            AGE,
        ),
        validate=validate,
        prepare=prepare,
        has_generation=False,
    )
)
