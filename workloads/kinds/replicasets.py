"""ReplicaSet (apps/v1): a number of equal pods. Deployments make one per revision; people can make one too."""

from __future__ import annotations

from typing import Any

from workloads.kinds import objectmeta, replicated
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, number, template_columns
from workloads.kinds.registry import register
from workloads.meta.errors import Cause

JSON = dict[str, Any]


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    return objectmeta.validate(obj) + replicated.validate(obj, old, kind="replica set")


def prepare(obj: JSON, old: JSON | None) -> None:
    if old is None:
        obj["status"] = {"replicas": 0}


KIND = register(
    Kind(
        name="ReplicaSet",
        plural="replicasets",
        group="apps",
        version="v1",
        schema="io.k8s.api.apps.v1.ReplicaSet",
        singular="replicaset",
        short_names=("rs",),
        categories=("all",),
        subresources=("status", "scale"),
        columns=(
            NAME,
            Column("Desired", lambda obj, now: number(obj, "spec", "replicas"), type="integer"),
            Column("Current", lambda obj, now: number(obj, "status", "replicas"), type="integer"),
            Column("Ready", lambda obj, now: number(obj, "status", "readyReplicas"), type="integer"),
            AGE,
            *template_columns(),
        ),
        default=replicated.default,
        validate=validate,
        prepare=prepare,
        field_selectors={"status.replicas": lambda obj: str(number(obj, "status", "replicas"))},
    )
)
