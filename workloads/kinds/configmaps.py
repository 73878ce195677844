"""ConfigMap: values that are not secret, given to containers as env or as files."""

from __future__ import annotations

from typing import Any

from workloads.kinds import bags, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

ROOT_CA = "kube-root-ca.crt"
"""Stands in every namespace: the certificate that the installation's TLS door is checked by."""


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    texts, blobs = obj.get("data") or {}, obj.get("binaryData") or {}
    found = objectmeta.validate(obj) + bags.keys(texts, "data") + bags.keys(blobs, "binaryData")
    found += [
        causes.invalid(f"data[{key}]", key, "duplicate of key present in binaryData") for key in texts if key in blobs
    ]
    size = bags.text_bytes(texts) + bags.blob_bytes(blobs)
    if size > bags.MOST_BYTES:
        found.append(causes.too_long("data", bags.MOST_BYTES))
    return found + bags.frozen(obj, old, ("data", "binaryData"))


def _count(obj: JSON, now: float) -> int:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


KIND = register(
    Kind(
        name="ConfigMap",
        plural="configmaps",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.ConfigMap",
        singular="configmap",
        short_names=("cm",),
        columns=(NAME, Column("Data", _count, type="integer", description="How many keys it holds."), AGE),
        default=lambda obj: bags.tidy(obj, ("data", "binaryData")),
        validate=validate,
        has_generation=False,
    )
)
