"""Patch: the caller's difference, applied to the newest object and tried again when somebody writes in between. What is
applied (server-side) has its own file, `applying`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from iam.identities import Identity
from workloads.admission import authorize, fields
from workloads.kinds import registry, schemas
from workloads.kinds.base import Kind
from workloads.meta import causes, patches
from workloads.meta.errors import BadRequest, Cause, Invalid
from workloads.meta.keys import Key
from workloads.meta.shapes import Shape
from workloads.verbs import applying, writes
from workloads.verbs.calls import Answer, PatchType, Subresource, WriteOptions

JSON = dict[str, Any]


def patch(
    identity: Identity,
    kind_name: str,
    name: str,
    difference: JSON | Sequence[Any],
    patch_type: PatchType,
    namespace: str,
    *,
    subresource: Subresource,
    options: WriteOptions,
) -> Answer:
    """A resourceVersion in the patch pins it: after a lost race the patched object no longer names the newest one.
    Raises Invalid for a patch whose result cannot be decoded."""
    kind = registry.kind(kind_name)
    authorize.check(identity, kind, "patch", namespace=namespace, name=name, subresource=subresource)
    key = Key(identity.account, kind.name, namespace if kind.namespaced else "", name)
    if patch_type == "application/apply-patch+yaml":
        if not isinstance(difference, dict):
            raise BadRequest("error decoding YAML: what is applied must be one object")
        return applying.apply(identity, kind, key, difference, subresource=subresource, options=options)
    shape = _shape(kind, subresource, options.api_version)
    if patch_type == patches.JSON_PATCH:
        options = replace(options, doubts=patches.doubts(difference, options.duplicates), duplicates=())
    try:
        return writes.change(
            identity,
            kind,
            key,
            lambda old: patches.apply(old, difference, patch_type, shape=shape),
            subresource=subresource,
            options=options,
            verb="patch",
        )
    except fields.Undecodable as error:
        raise _invalid(kind, name, difference, error) from None


def _invalid(kind: Kind, name: str, difference: Any, error: fields.Undecodable) -> Invalid:
    """Upstream quotes what the patch led to, whole; here it is the patch, and of what is confidential nothing."""
    if error.causes:
        return Invalid.of(kind.name, name, error.causes, group=kind.group)
    quoted = "" if kind.is_confidential else f"{causes.shown(causes.shown(difference))}: "
    return Invalid.of("", "", (Cause("patch", f"Invalid value: {quoted}{error.said}"),))


def _shape(kind: Kind, subresource: Subresource, api_version: str) -> Shape:
    return schemas.shape(fields.SCALE if subresource == "scale" else kind.schema_of(api_version))
