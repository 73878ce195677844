"""What roles give: which rules an identity has in a namespace, and where rules count at all.

Read from the store and kept for a second in each process, so that a request asks the database for none of it and a
change is in force within two. Writes of this process are seen at once (`forget`).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from django.db import connection

from iam.identities import MASTERS, Identity
from workloads.kinds import clusterroles, rolerules
from workloads.kinds.namespaces import RBAC_LABEL
from workloads.kinds.rolerules import Question, Rule
from workloads.kinds.roles import SERVICE_ACCOUNT, USER
from workloads.meta import wire
from workloads.meta.keys import Key
from workloads.store import objects

JSON = dict[str, Any]
T = TypeVar("T")

HOLDS = 1.0
"""Seconds for which an answer of the store counts."""
KINDS = frozenset(("Namespace", "Role", "RoleBinding", "ClusterRoleBinding"))
_MOST = 10_000


def switched_on(account: str, namespace: str) -> bool:
    """Whether the namespace was made with roles. One that is not there was not, and is asked for again."""
    until, switch = _switches.get((account, namespace), (0.0, False))
    if until > time.monotonic():
        return switch
    found = _asked(lambda: _switch(account, namespace))
    if found is not None:
        _remember(_switches, (account, namespace), found)
    return bool(found)


def switched(account: str) -> frozenset[str]:
    """All namespaces of the account that were made with roles."""
    return _roles(account).switched


def allows(identity: Identity, question: Question, namespace: str | None) -> bool:
    """Whether roles allow it in `namespace`; None asks for all namespaces, or for what lies in none."""
    return MASTERS in identity.groups or rolerules.allow(rules(identity, namespace), question)


def is_at_hand(identity: Identity, namespace: str) -> bool:
    """Whether what roles say there is known: then to ask is to wait for nothing."""
    if MASTERS in identity.groups:
        return True
    now, account = time.monotonic(), identity.account
    kept = _known.get(account), _switches.get((account, namespace))
    return all(one is not None and one[0] > now for one in kept)


def rules(identity: Identity, namespace: str | None) -> tuple[Rule, ...]:
    """All that bindings give there, those of the whole account included."""
    return _roles(identity.account).of(identity, namespace)


def rules_of_reference(account: str, reference: JSON, namespace: str) -> tuple[Rule, ...] | None:
    """What a `roleRef` stands for; None when there is no such role."""
    return _roles(account).named(reference, namespace)


def written(kind: str, account: str) -> None:
    """To be called behind every write: what it may have changed is read anew."""
    if kind in KINDS:
        forget(account)


def forget(account: str) -> None:
    """Reads the account's roles anew at the next question."""
    _known.pop(account, None)
    for key in [key for key in tuple(_switches) if key[0] == account]:
        _switches.pop(key, None)


def forget_all() -> None:
    _known.clear()
    _switches.clear()


class _Given(NamedTuple):
    """`namespace` None gives the rules everywhere."""

    namespace: str | None
    rules: tuple[Rule, ...]


@dataclass
class _Roles:
    """The roles of an account as they were at one moment."""

    switched: frozenset[str]
    roles: dict[tuple[str, str], tuple[Rule, ...]]
    given: dict[str, list[_Given]] = field(default_factory=lambda: defaultdict(list))
    """By subject, such as `User alice`."""
    _gathered: dict[tuple[str, tuple[str, ...], str | None], tuple[Rule, ...]] = field(default_factory=dict)

    def of(self, identity: Identity, namespace: str | None) -> tuple[Rule, ...]:
        key = identity.user, identity.groups, namespace
        found = self._gathered.get(key)
        if found is None:
            found = self._gathered[key] = tuple(dict.fromkeys(self._gather(identity, namespace)))
        return found

    def named(self, reference: JSON, namespace: str) -> tuple[Rule, ...] | None:
        if reference.get("kind") == "ClusterRole":
            return _CLUSTER_ROLES.get(reference.get("name", ""))
        return self.roles.get((namespace, reference.get("name", "")))

    def _gather(self, identity: Identity, namespace: str | None) -> Iterable[Rule]:
        for subject in (f"User {identity.user}", *(f"Group {group}" for group in identity.groups)):
            for given in self.given.get(subject, ()):
                if given.namespace in (None, namespace):
                    yield from given.rules


_CLUSTER_ROLES = {role["metadata"]["name"]: rolerules.of(role["rules"]) for role in clusterroles.FIXED}
_known: dict[str, tuple[float, _Roles]] = {}
_switches: dict[tuple[str, str], tuple[float, bool]] = {}


def _roles(account: str) -> _Roles:
    until, roles = _known.get(account, (0.0, None))
    if roles is None or until <= time.monotonic():
        roles = _asked(lambda: _read(account))
        _remember(_known, account, roles)
    return roles


def _remember(known: dict[Any, tuple[float, Any]], key: Any, found: Any) -> None:
    if len(known) >= _MOST:
        known.clear()
    known[key] = (time.monotonic() + HOLDS, found)


def _switch(account: str, namespace: str) -> bool | None:
    try:
        row = objects.read(Key(account, "Namespace", "", namespace))
    except objects.Missing:
        return None
    return row.labels.get(RBAC_LABEL) == "true"


def _read(account: str) -> _Roles:
    sieve = (RBAC_LABEL.encode(),)
    namespaces = objects.scan("Namespace", account=account, containing=sieve).rows
    found = _Roles(
        frozenset(row.key.name for row in namespaces if row.labels.get(RBAC_LABEL) == "true"),
        {
            (row.key.namespace, row.key.name): rolerules.of(wire.load(row.data).get("rules"))
            for row in objects.scan("Role", account=account).rows
        },
    )
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for row in objects.scan(kind, account=account).rows:
            _bind(found, wire.load(row.data), row.key.namespace)
    return found


def _bind(roles: _Roles, binding: JSON, namespace: str) -> None:
    """A binding to a role that is not there gives nothing, as in Kubernetes."""
    given = roles.named(binding.get("roleRef") or {}, namespace)
    if not given:
        return
    for subject in binding.get("subjects") or ():
        roles.given[_subject(subject)].append(_Given(namespace or None, given))


def _subject(subject: JSON) -> str:
    """A ServiceAccount is the user whose name says so."""
    kind, name = subject.get("kind", ""), subject.get("name", "")
    if kind == SERVICE_ACCOUNT:
        return f"{USER} system:serviceaccount:{subject.get('namespace', '')}:{name}"
    return f"{kind} {name}"


_READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="roles")


def _asked(question: Callable[[], T]) -> T:
    """Where an event loop runs, Django lets nobody ask its database: a thread of our own does, once a second at
    most."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return question()
    return _READER.submit(_in_thread, question).result()


def _in_thread(question: Callable[[], T]) -> T:
    try:
        return question()
    finally:
        connection.close()
