"""Rules of roles: whether they allow what is asked, and whether some cover others. Kubernetes' own logic, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

JSON = dict[str, Any]

ALL = "*"


class Rule(NamedTuple):
    """A PolicyRule. `resources` may be `pods`, `pods/log`, `*/scale` or `*`; no `names` means every name."""

    verbs: frozenset[str]
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()


class Question(NamedTuple):
    """What somebody wants to do. `name` is "" where no object is named, as in a list or a create."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """`pods`, `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def of(rules: Iterable[JSON] | None) -> tuple[Rule, ...]:
    """From the `rules` of a Role or ClusterRole."""
    return tuple(
        Rule(
            frozenset(rule.get("verbs") or ()),
            frozenset(rule.get("apiGroups") or ()),
            frozenset(rule.get("resources") or ()),
            frozenset(rule.get("resourceNames") or ()),
            frozenset(rule.get("nonResourceURLs") or ()),
        )
        for rule in rules or ()
    )


def allow(rules: Iterable[Rule], asked: Question) -> bool:
    return any(_allows(rule, asked) for rule in rules)


def missing(rules: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """Of `wanted`, broken down to single rights, those that `rules` do not cover."""
    return [right for rule in wanted for right in broken_down(rule) if not any(_covers(one, right) for one in rules)]


def broken_down(rule: Rule) -> Iterator[Rule]:
    """Each right for itself: one verb on one resource of one group, of one name where there are names."""
    for verb, group, resource in product(sorted(rule.verbs), sorted(rule.groups), sorted(rule.resources)):
        for name in sorted(rule.names) or [""]:
            names = frozenset((name,)) if name else frozenset[str]()
            yield Rule(frozenset((verb,)), frozenset((group,)), frozenset((resource,)), names)
    for verb, url in product(sorted(rule.verbs), sorted(rule.urls)):
        yield Rule(frozenset((verb,)), urls=frozenset((url,)))


def shown(rule: Rule) -> str:
    """As Kubernetes prints it: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}`."""
    parts = (
        ("APIGroups", rule.groups),
        ("Resources", rule.resources),
        ("ResourceNames", rule.names),
        ("NonResourceURLs", rule.urls),
        ("Verbs", rule.verbs),
    )
    said = [f"{name}:[{' '.join(_quoted(values))}]" for name, values in parts if values]
    return "{" + ", ".join(said) + "}"


def _quoted(values: Iterable[str]) -> list[str]:
    return [f'"{value}"' for value in sorted(values)]


def _allows(rule: Rule, asked: Question) -> bool:
    return (
        _has(rule.verbs, asked.verb)
        and _has(rule.groups, asked.group)
        and _has_resource(rule.resources, asked.path, asked.subresource)
        and (not rule.names or asked.name in rule.names)
    )


def _has(values: frozenset[str], value: str) -> bool:
    return value in values or ALL in values


def _has_resource(resources: frozenset[str], path: str, subresource: str) -> bool:
    return path in resources or ALL in resources or (bool(subresource) and f"*/{subresource}" in resources)


def _covers(rule: Rule, right: Rule) -> bool:
    if right.urls:
        return _has_all(rule.verbs, right.verbs) and all(_has_url(rule.urls, url) for url in right.urls)
    return (
        _has_all(rule.verbs, right.verbs)
        and _has_all(rule.groups, right.groups)
        and all(_has_resource(rule.resources, path, path.partition("/")[2]) for path in right.resources)
        and (not rule.names or (bool(right.names) and right.names <= rule.names))
    )


def _has_all(values: frozenset[str], wanted: frozenset[str]) -> bool:
    return ALL in values or wanted <= values


def _has_url(urls: frozenset[str], url: str) -> bool:
    return any(known == url or (known.endswith(ALL) and url.startswith(known[:-1])) for known in urls)
