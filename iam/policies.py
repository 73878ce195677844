"""IAM policies: documents that say which actions are allowed. Pure.

    {"Version": "1.1",
     "Statement": [{"Effect": "Allow", "Action": ["CCI:pod:*"], "Resource": ["CCI:*:*:namespace:shop-*"]}]}

An action is `<service>:<noun>:<verb>`; `*` stands for anything within a part. Without Resource a statement speaks of
the whole account, with it of the namespaces named. What nothing allows is denied; a Deny beats every Allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

JSON = dict[str, Any]

VERSION = "1.1"
MOST_STATEMENTS, MOST_LISTED, LONGEST_PATTERN = 8, 100, 128

FULL_ACCESS = "CCI FullAccess"
READ_ONLY = "CCI ReadOnlyAccess"
COMMON_OPERATIONS = "CCI CommonOperations"
ADMINISTRATOR = "CCI Administrator"

VERBS = ("get", "list", "create", "update", "delete")
SPECIAL_VERBS = ("approve", "bind", "escalate", "impersonate")
WORKING_NOUNS = (
    "configmap",
    "cronjob",
    "deployment",
    "endpoints",
    "endpointslice",
    "event",
    "horizontalpodautoscaler",
    "ingress",
    "job",
    "lease",
    "limitrange",
    "persistentvolumeclaim",
    "pod",
    "podattach",
    "podexec",
    "podlog",
    "podportforward",
    "replicaset",
    "resourcequota",
    "scalingpolicy",
    "secret",
    "service",
    "serviceaccount",
    "serviceaccounttoken",
)
"""What is inside of a namespace and belongs to the work in it."""
SETTING_NOUNS = (
    "account",
    "balance",
    "bill",
    "budget",
    "clusterrole",
    "clusterrolebinding",
    "elb",
    "image",
    "ingressclass",
    "namespace",
    "network",
    "node",
    "package",
    "role",
    "rolebinding",
    "storageclass",
    "subjectaccessreview",
    "tokenreview",
)
NOUNS = (*WORKING_NOUNS, *SETTING_NOUNS)
IAM_NOUNS = ("accesskey", "audit", "group", "policy", "user")


class Statement(NamedTuple):
    """What one statement of a document says. `namespaces` are patterns; without any it speaks of the whole account."""

    allow: bool
    actions: tuple[str, ...]
    namespaces: tuple[str, ...] = ()


class Rights(NamedTuple):
    """Documents put together: what is allowed everywhere, and statements that say more than that."""

    actions: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()


class SystemPolicy(NamedTuple):
    name: str
    description: str
    document: JSON


def permits(
    actions: tuple[str, ...], statements: tuple[Statement, ...], action: str, namespace: str | None = ""
) -> bool:
    """Whether `action`, such as `cci:pod:create`, is allowed in `namespace`; None asks for all namespaces at once, ""
    for what lies in none. What was asked before is remembered: policies are asked on every call."""
    return _permits(actions, statements, action, namespace)


def rights(documents: Iterable[Mapping[str, Any]]) -> Rights:
    """What several documents, each without `problems`, say together."""
    said = [statement for document in documents for statement in _statements(document)]
    everywhere = dict.fromkeys(action for one in said if one.allow and not one.namespaces for action in one.actions)
    return Rights(tuple(everywhere), tuple(one for one in said if not one.allow or one.namespaces))


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """Of a document without `problems`, in its order."""
    return list(_statements(document))


def problems(document: Any) -> dict[str, str]:
    """All that is wrong with a document: field -> rule and remedy. Empty when it is right."""
    return dict(_problems(document))


def _statement(*actions: str) -> JSON:
    return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": list(actions)}]}


SYSTEM = {
    policy.name: policy
    for policy in (
        SystemPolicy(
            ADMINISTRATOR,
            "Everything, with the account's users, groups and policies. Roles in namespaces do not limit it.",
            _statement("CCI:*:*", "IAM:*:*"),
        ),
        SystemPolicy(
            FULL_ACCESS,
            "Everything in the account but its users. In namespaces with roles, a role is needed as well.",
            _statement("CCI:*:*"),
        ),
        SystemPolicy(
            COMMON_OPERATIONS,
            "All work inside of namespaces; namespaces, networks, ELBs and roles can be read, not created or deleted.",
            _statement(
                "CCI:*:get",
                "CCI:*:list",
                "CCI:namespace:update",
                "CCI:network:update",
                *(f"CCI:{noun}:*" for noun in WORKING_NOUNS),
            ),
        ),
        SystemPolicy(
            READ_ONLY, "Reads everything, Secrets and logs too; changes nothing.", _statement("CCI:*:get", "CCI:*:list")
        ),
    )
}
"""Policies that every account has and nobody changes, by name."""


@lru_cache(16384)
def _permits(actions: tuple[str, ...], statements: tuple[Statement, ...], action: str, namespace: str | None) -> bool:
    if any(not one.allow and _speaks_of(one, action, namespace) for one in statements):
        return False
    if any(_matches(pattern, action) for pattern in actions):
        return True
    return any(one.allow and _speaks_of(one, action, namespace) for one in statements)


def _speaks_of(statement: Statement, action: str, namespace: str | None) -> bool:
    """A question about all namespaces meets a Deny of any of them, and an Allow of all of them only."""
    if not any(_matches(pattern, action) for pattern in statement.actions):
        return False
    if not statement.namespaces:
        return True
    if namespace is None:
        return not statement.allow or "*" in statement.namespaces
    return bool(namespace) and any(_matches(pattern, namespace) for pattern in statement.namespaces)


def _matches(pattern: str, text: str) -> bool:
    return pattern == text or _compiled(pattern).fullmatch(text) is not None


@lru_cache(4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("[^:]*".join(map(re.escape, pattern.split("*"))))


def _statements(document: Mapping[str, Any]) -> Iterator[Statement]:
    for one in document["Statement"]:
        resources = _listed(one.get("Resource"))
        yield Statement(
            allow=one["Effect"] == "Allow",
            actions=tuple(action.lower() for action in _listed(one["Action"])),
            namespaces=tuple(_namespace(resource) for resource in resources),
        )


def _listed(value: Any) -> list[str]:
    """One string stands for a list of it."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _namespace(resource: str) -> str:
    return resource.rpartition(":")[2]


Problem = tuple[str, str]


def _problems(document: Any) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield "document", "must be an object with Version and Statement"
        return
    yield from _unknown(document, ("Version", "Statement"), "")
    if document.get("Version") != VERSION:
        yield "Version", f'must be "{VERSION}"'
    statements = document.get("Statement")
    if not isinstance(statements, list) or not statements:
        yield "Statement", "must be a list with at least one statement"
        return
    if len(statements) > MOST_STATEMENTS:
        yield "Statement", f"may have {MOST_STATEMENTS} statements at most, has {len(statements)}"
    for index, statement in enumerate(statements[:MOST_STATEMENTS]):
        yield from _statement_problems(statement, f"Statement[{index}]")


def _statement_problems(statement: Any, field: str) -> Iterator[Problem]:
    if not isinstance(statement, dict):
        yield field, "must be an object with Effect and Action"
        return
    yield from _unknown(statement, ("Effect", "Action", "Resource"), f"{field}.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield f"{field}.Effect", "must be Allow or Deny"
    yield from _list_problems(statement.get("Action"), f"{field}.Action", _action_problem)
    if "Resource" in statement:
        yield from _list_problems(statement["Resource"], f"{field}.Resource", _resource_problem)


def _unknown(given: JSON, known: tuple[str, ...], prefix: str) -> Iterator[Problem]:
    for name in given:
        if name == "Condition":
            yield f"{prefix}{name}", "is not supported: leave it out, and limit the statement by Resource"
        elif name not in known:
            yield f"{prefix}{name}", f"is unknown: known are {', '.join(known)}"


def _list_problems(value: Any, field: str, problem: Any) -> Iterator[Problem]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        yield field, "must be a list with at least one entry"
        return
    if len(listed) > MOST_LISTED:
        yield field, f"may have {MOST_LISTED} entries at most, has {len(listed)}"
    for index, one in enumerate(listed[:MOST_LISTED]):
        if not isinstance(one, str) or len(one) > LONGEST_PATTERN:
            yield f"{field}[{index}]", f"must be a text of {LONGEST_PATTERN} characters at most"
        elif sentence := problem(one):
            yield f"{field}[{index}]", sentence


def _action_problem(action: str) -> str:
    """The first thing that is wrong with it, "" for nothing."""
    service, noun, verb = [*action.lower().split(":"), "", ""][:3] if action.count(":") == 2 else ("", "", "")
    if not (service and noun and verb):
        return f'"{action}" must read <service>:<noun>:<verb>, for example CCI:namespace:create'
    if service not in ("cci", "iam"):
        return f'"{action}": the service must be CCI or IAM'
    nouns = NOUNS if service == "cci" else IAM_NOUNS
    if not any(_matches(noun, known) for known in nouns):
        return f'"{action}": there is no {noun}; nouns are {", ".join(sorted(nouns))}'
    if not any(_matches(verb, known) for known in (*VERBS, *SPECIAL_VERBS)):
        return f'"{action}": there is no verb {verb}; verbs are {", ".join(VERBS)}'
    return ""


_RESOURCE = re.compile(r"cci:[^:\x00-\x1f]*:[^:\x00-\x1f]*:namespace:[a-z0-9*-]+", re.IGNORECASE)


def _resource_problem(resource: str) -> str:
    if _RESOURCE.fullmatch(resource):
        return ""
    return f'"{resource}" must name namespaces: CCI:*:*:namespace:<name>, where * in the name stands for anything'
