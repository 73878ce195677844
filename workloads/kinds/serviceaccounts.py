"""ServiceAccount: the name a pod runs under and signs in to the API with, and the Secrets its images are pulled with.

Every namespace has one called `default`. Its tokens are asked for at `serviceaccounts/<name>/token` (`tokenrequests`).
"""

from __future__ import annotations

from typing import Any

from workloads.kinds import objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta.errors import Cause

JSON = dict[str, Any]

DEFAULT = "default"


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    return objectmeta.validate(obj)


KIND = register(
    Kind(
        name="ServiceAccount",
        plural="serviceaccounts",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.ServiceAccount",
        singular="serviceaccount",
        subresources=("token",),
        short_names=("sa",),
        columns=(NAME, Column("Secrets", lambda obj, now: len(obj.get("secrets") or []), type="integer"), AGE),
        validate=validate,
        has_generation=False,
    )
)
