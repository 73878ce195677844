"""Role, RoleBinding, ClusterRole, ClusterRoleBinding: who may do what, as Kubernetes says it.

The ClusterRoles are the same in every account. Roles decide for ServiceAccounts everywhere, and for people in
namespaces that were made with roles switched on, where they must have policy and role. `workloads.admission.rbac` reads
them.
"""

from __future__ import annotations

from typing import Any

from workloads.kinds import clusterroles, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.clusterroles import GROUP
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

USER, USER_GROUP, SERVICE_ACCOUNT = "User", "Group", "ServiceAccount"
_SUBJECTS = (SERVICE_ACCOUNT, USER, USER_GROUP)
_SCHEMA = "io.k8s.api.rbac.v1."


def path_segment(text: str) -> list[str]:
    """Names of roles may have colons and capitals, as Kubernetes' own have."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in text]


def validate_role(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj, name_rule=path_segment)
    for index, rule in enumerate(obj.get("rules") or []):
        found += _rule_causes(rule, f"rules[{index}]")
    return found


def default_binding(obj: JSON) -> None:
    reference = obj.get("roleRef") or {}
    if reference and not reference.get("apiGroup"):
        reference["apiGroup"] = GROUP
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in (USER, USER_GROUP) and not subject.get("apiGroup"):
            subject["apiGroup"] = GROUP


def validate_binding(obj: JSON, old: JSON | None) -> list[Cause]:
    return _binding_causes(obj, old, ("Role", "ClusterRole"))


def validate_cluster_binding(obj: JSON, old: JSON | None) -> list[Cause]:
    return _binding_causes(obj, old, ("ClusterRole",))


def _rule_causes(rule: JSON, field: str) -> list[Cause]:
    found = []
    if not rule.get("verbs"):
        found.append(causes.required(f"{field}.verbs", "verbs must contain at least one value"))
    if rule.get("nonResourceURLs"):
        said = "namespaced rules cannot apply to non-resource URLs"
        return [*found, causes.invalid(f"{field}.nonResourceURLs", rule["nonResourceURLs"], said)]
    if not rule.get("apiGroups"):
        found.append(causes.required(f"{field}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        found.append(causes.required(f"{field}.resources", "resource rules must supply at least one resource"))
    return found


def _binding_causes(obj: JSON, old: JSON | None, kinds: tuple[str, ...]) -> list[Cause]:
    found = objectmeta.validate(obj, name_rule=path_segment)
    found += _reference_causes(obj.get("roleRef") or {}, kinds)
    if old is not None and obj.get("roleRef") != old.get("roleRef"):
        found.append(causes.invalid("roleRef", obj.get("roleRef"), "cannot change roleRef: delete and create instead"))
    for index, subject in enumerate(obj.get("subjects") or []):
        found += _subject_causes(subject, f"subjects[{index}]")
    return found


def _reference_causes(reference: JSON, kinds: tuple[str, ...]) -> list[Cause]:
    found = []
    if reference.get("apiGroup") != GROUP:
        found.append(causes.unsupported("roleRef.apiGroup", reference.get("apiGroup", ""), (GROUP,)))
    if reference.get("kind") not in kinds:
        found.append(causes.unsupported("roleRef.kind", reference.get("kind", ""), kinds))
    name = reference.get("name", "")
    if not name:
        return [*found, causes.required("roleRef.name")]
    return [*found, *(causes.invalid("roleRef.name", name, text) for text in path_segment(name))]


def _subject_causes(subject: JSON, field: str) -> list[Cause]:
    kind, name, group = subject.get("kind", ""), subject.get("name", ""), subject.get("apiGroup", "")
    if kind not in _SUBJECTS:
        return [causes.unsupported(f"{field}.kind", kind, _SUBJECTS)]
    found = [] if name else [causes.required(f"{field}.name")]
    wanted = "" if kind == SERVICE_ACCOUNT else GROUP
    if group != wanted:
        found.append(causes.unsupported(f"{field}.apiGroup", group, (wanted,)))
    if kind != SERVICE_ACCOUNT:
        return found
    if name:
        found += [causes.invalid(f"{field}.name", name, text) for text in names.dns_subdomain(name)]
    return found if subject.get("namespace") else [*found, causes.required(f"{field}.namespace")]


def _created(obj: JSON, now: float) -> str:
    return str(obj["metadata"].get("creationTimestamp") or "<unknown>")


def _reference(obj: JSON, now: float) -> str:
    reference = obj.get("roleRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def _subjects(kind: str, obj: JSON) -> str:
    found = [one for one in obj.get("subjects") or [] if one.get("kind") == kind]
    return ", ".join(f"{one['namespace']}/{one['name']}" if kind == SERVICE_ACCOUNT else one["name"] for one in found)


_CREATED = Column("Created At", _created, format="date-time")
_BINDING_COLUMNS = (
    NAME,
    Column("Role", _reference, description="The role that is given"),
    AGE,
    Column("Users", lambda obj, now: _subjects(USER, obj), priority=1),
    Column("Groups", lambda obj, now: _subjects(USER_GROUP, obj), priority=1),
    Column("ServiceAccounts", lambda obj, now: _subjects(SERVICE_ACCOUNT, obj), priority=1),
)

ROLE = register(
    Kind(
        name="Role",
        plural="roles",
        group=GROUP,
        version="v1",
        schema=f"{_SCHEMA}Role",
        made_by_update=True,
        singular="role",
        columns=(NAME, _CREATED),
        validate=validate_role,
        has_generation=False,
    )
)
BINDING = register(
    Kind(
        name="RoleBinding",
        plural="rolebindings",
        group=GROUP,
        version="v1",
        schema=f"{_SCHEMA}RoleBinding",
        made_by_update=True,
        singular="rolebinding",
        columns=_BINDING_COLUMNS,
        default=default_binding,
        validate=validate_binding,
        has_generation=False,
    )
)
CLUSTER_ROLE = register(
    Kind(
        name="ClusterRole",
        plural="clusterroles",
        group=GROUP,
        version="v1",
        schema=f"{_SCHEMA}ClusterRole",
        singular="clusterrole",
        namespaced=False,
        verbs=("get", "list", "watch"),
        columns=(NAME, _CREATED),
        has_generation=False,
        fixed=clusterroles.FIXED,
    )
)
CLUSTER_BINDING = register(
    Kind(
        name="ClusterRoleBinding",
        plural="clusterrolebindings",
        group=GROUP,
        version="v1",
        schema=f"{_SCHEMA}ClusterRoleBinding",
        made_by_update=True,
        singular="clusterrolebinding",
        namespaced=False,
        columns=_BINDING_COLUMNS,
        default=default_binding,
        validate=validate_cluster_binding,
        has_generation=False,
    )
)
