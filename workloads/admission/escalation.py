"""Nobody gives away what they do not have: a role may only say, and a binding only give, what its writer may do.

As in Kubernetes, who has the verb `escalate` on roles (or `bind` on the role) is free of it: `cluster-admin`, and
people whose policy allows everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from iam.identities import MASTERS, Identity
from workloads.admission import authorize, rbac
from workloads.kinds import metrics, registry, rolerules
from workloads.kinds.base import Kind
from workloads.kinds.rolerules import ALL, Rule
from workloads.meta.errors import NotFound, Refused

JSON = dict[str, Any]

_MOST_SHOWN = 50


def check(identity: Identity, kind: Kind, new: JSON, old: JSON | None) -> None:
    """Raises Refused with the rights that are missing; NotFound when a binding names a role that is not there."""
    if identity.is_controller or MASTERS in identity.groups:
        return
    if kind.name == "Role":
        _role(identity, kind, new, old)
    elif kind.name in ("RoleBinding", "ClusterRoleBinding"):
        _binding(identity, kind, new, old)


def _role(identity: Identity, kind: Kind, new: JSON, old: JSON | None) -> None:
    metadata = new["metadata"]
    if old is not None and old.get("rules") == new.get("rules"):
        return
    if _may(identity, kind, "escalate", metadata["name"], metadata["namespace"]):
        return
    _only_what_is_held(identity, kind, metadata, rolerules.of(new.get("rules")))


def _binding(identity: Identity, kind: Kind, new: JSON, old: JSON | None) -> None:
    metadata, reference = new["metadata"], new["roleRef"]
    if old is not None and (old["roleRef"], old.get("subjects")) == (reference, new.get("subjects")):
        return
    namespace = metadata.get("namespace") or ""
    role = registry.kind(reference["kind"])
    if _may(identity, role, "bind", reference["name"], namespace):
        return
    rules = rbac.rules_of_reference(identity.account, reference, namespace)
    if rules is None:
        raise NotFound.named(role.plural, reference["name"], group=role.group)
    _only_what_is_held(identity, kind, metadata, rules)


def _may(identity: Identity, role: Kind, verb: str, name: str, namespace: str) -> bool:
    """Whether somebody may give away what they lack; asked where it is to be given, also for a ClusterRole. Who is
    denied anything by a policy may not: a role would be the way around it."""
    where = namespace or None
    if not identity.is_service_account and not _unlimited(identity, authorize.action_of(role, verb), where):
        return False
    question = rolerules.Question(verb, role.group, role.plural, "", name)
    return all(rbac.allows(identity, question, scope) for scope in _scopes(identity, where))


def _unlimited(identity: Identity, action: str, namespace: str | None) -> bool:
    return identity.may(action, namespace) and all(statement.allow for statement in identity.statements)


def _only_what_is_held(identity: Identity, kind: Kind, metadata: JSON, wanted: Iterable[Rule]) -> None:
    namespace = metadata.get("namespace") or None
    lacking = list(_lacking(identity, list(wanted), namespace))
    if not lacking:
        return
    groups = " ".join(f'"{group}"' for group in identity.groups)
    lines = "\n".join(map(rolerules.shown, lacking[:_MOST_SHOWN]))
    who = f'user "{identity.user}" (groups=[{groups}])'
    why = f"{who} is attempting to grant RBAC permissions not currently held:\n{lines}"
    raise Refused.named(kind.plural, metadata["name"], why, group=kind.group)


def _lacking(identity: Identity, wanted: list[Rule], namespace: str | None) -> Iterator[Rule]:
    found = dict.fromkeys(
        right
        for scope in _scopes(identity, namespace)
        for right in rolerules.missing(rbac.rules(identity, scope), wanted)
    )
    yield from found
    if identity.is_service_account:
        return
    for rule in wanted:
        for right in rolerules.broken_down(rule):
            if right not in found and not _policies_give(identity, right, namespace):
                yield right


def _scopes(identity: Identity, namespace: str | None) -> tuple[str | None, ...]:
    """Where roles count for this identity."""
    if identity.is_service_account:
        return (namespace,)
    if namespace is None:
        return tuple(sorted(rbac.switched(identity.account)))
    return (namespace,) if rbac.switched_on(identity.account, namespace) else ()


def _policies_give(identity: Identity, right: Rule, namespace: str | None) -> bool:
    """Whether policies allow all that one right stands for. What nobody serves is allowed by patterns alone."""
    if right.urls:
        return _unlimited(identity, "cci:*:*", namespace)
    [verb], [path], [group] = right.verbs, right.resources, right.groups
    plural, _, subresource = path.partition("/")
    kinds = [kind for kind in _served() if plural in (ALL, kind.plural) and group in (ALL, *_groups(kind))]
    if ALL in (verb, plural, group):
        return _unlimited(identity, "cci:*:*", namespace)
    if not kinds:
        return identity.may(f"cci:{plural}:{verb}", namespace)
    return all(identity.may(authorize.action_of(kind, verb, subresource), namespace) for kind in kinds)


def _served() -> tuple[Kind, ...]:
    return (*registry.kinds().values(), *metrics.KINDS)


def _groups(kind: Kind) -> tuple[str, ...]:
    return kind.group, *(group for group, _ in kind.also_served_as)
