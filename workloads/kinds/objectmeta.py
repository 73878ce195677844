"""What every kind's `metadata` must obey, and what templates' must: names, labels, annotations, owners, finalizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]
DESCRIPTION, LONGEST_DESCRIPTION = "description", 250
NameRule = Callable[[str], list[str]]


def validate(obj: JSON, *, name_rule: NameRule = names.dns_subdomain) -> list[Cause]:
    """All that is wrong with an object's own metadata."""
    metadata = obj.get("metadata") or {}
    name = metadata.get("name", "")
    found = [causes.invalid("metadata.name", name, text) for text in name_rule(name)]
    found += _generate_name(metadata, name_rule)
    found += validate_template(metadata, "metadata")
    for index, owner in enumerate(metadata.get("ownerReferences") or []):
        found += _owner(owner, f"metadata.ownerReferences[{index}]")
    found += _controllers(metadata.get("ownerReferences") or [])
    for index, finalizer in enumerate(metadata.get("finalizers") or []):
        where = f"metadata.finalizers[{index}]"
        found += [causes.invalid(where, finalizer, text) for text in names.qualified_name(finalizer)]
    return found


def description(obj: JSON) -> list[Cause]:
    """What people write about a workload is shown beside its name, and short."""
    text = ((obj.get("metadata") or {}).get("annotations") or {}).get(DESCRIPTION, "")
    if len(text) <= LONGEST_DESCRIPTION:
        return []
    rule = f"must have at most {LONGEST_DESCRIPTION} characters, this has {len(text)}"
    return [causes.invalid(f"metadata.annotations[{DESCRIPTION}]", text, rule)]


def validate_template(metadata: JSON, field: str) -> list[Cause]:
    """Labels and annotations: what a pod template's metadata has in common with an object's."""
    return _labels(metadata.get("labels") or {}, f"{field}.labels") + _annotations(
        metadata.get("annotations") or {}, f"{field}.annotations"
    )


def _generate_name(metadata: JSON, name_rule: NameRule) -> list[Cause]:
    base = metadata.get("generateName")
    if not base:
        return []
    problems = name_rule(base[: names.GENERATED_BASE_LENGTH] + "x")
    return [causes.invalid("metadata.generateName", base, text) for text in problems]


def _labels(labels: dict[str, str], field: str) -> list[Cause]:
    found = []
    for key, value in labels.items():
        found += [causes.invalid(field, key, text) for text in names.qualified_name(key)]
        found += [causes.invalid(f"{field}[{key}]", value, text) for text in names.label_value(value)]
    return found


def _annotations(annotations: dict[str, str], field: str) -> list[Cause]:
    found = []
    for key in annotations:
        found += [causes.invalid(field, key, text) for text in names.qualified_name(key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > names.ANNOTATIONS_LIMIT:
        found.append(causes.too_long(field, names.ANNOTATIONS_LIMIT))
    return found


def _owner(owner: JSON, field: str) -> list[Cause]:
    """References are followed: what no object could be called must not get as far as whoever follows them."""
    found = []
    for part, rule in _OWNER_RULES.items():
        value = owner.get(part, "")
        problems = rule(value) if value else ["must not be empty"]
        found += [causes.invalid(f"{field}.{part}", value, text) for text in problems]
    return found


_OWNER_RULES: dict[str, NameRule] = {
    "apiVersion": names.api_version,
    "kind": names.kind,
    "name": names.dns_subdomain,
    "uid": names.uid,
}


def _controllers(owners: list[JSON]) -> list[Cause]:
    controlling = [owner for owner in owners if owner.get("controller")]
    if len(controlling) < 2:
        return []
    listed = [owner.get("name", "") for owner in controlling]
    return [
        causes.invalid("metadata.ownerReferences", listed, "Only one reference can have Controller set to true"),
    ]
