"""What a policy says, in words and as a table. Pure.

Statements become sentences one by one; the table puts them together as `iam.policies` does when it decides, so that it
shows what a Deny leaves of an Allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from iam import policies
from iam.policies import IAM_NOUNS, NOUNS, VERBS, Rights, Statement
from workloads.kinds import registry

JSON = Mapping[str, Any]

_SHOWN = 6
"""Nouns of a row that are named; the rest is counted."""
_NOWHERE = ("account", "image", "tokenreview")
"""Nouns of no kind whose objects live in no namespace."""


@dataclass(frozen=True)
class Cell:
    """Whether one verb is allowed: everywhere (`yes`), in some namespaces (`some`), not (`no`), or `denied`."""

    answer: str
    where: tuple[str, ...] = ()
    """Patterns of the namespaces of `some`; () for all."""
    but: tuple[str, ...] = ()
    """Patterns of namespaces in which it is denied."""
    asked = True
    """Every noun has every verb here."""

    @property
    def word(self) -> str:
        return {"yes": _("yes"), "some": _("yes"), "no": _("no"), "denied": _("denied")}[self.answer]

    @property
    def tone(self) -> str:
        return {"yes": "ok", "some": "warn", "no": "idle", "denied": "bad"}[self.answer]

    @property
    def shape(self) -> str:
        return {"yes": "dot", "some": "triangle", "no": "hollow", "denied": "diamond"}[self.answer]

    @property
    def sentence(self) -> str:
        said = [_("in %(names)s") % {"names": ", ".join(self.where)}] if self.where else []
        said += [_("not in %(names)s") % {"names": ", ".join(self.but)}] if self.but else []
        return "; ".join(said)


@dataclass(frozen=True)
class Row:
    """Nouns that are treated alike."""

    nouns: tuple[str, ...]
    title: str
    """For a row of all that is left of a service; "" for one whose nouns are named."""
    cells: tuple[Cell, ...]
    """In the order of `policies.VERBS`."""

    @property
    def shown(self) -> str:
        return ", ".join(self.nouns[:_SHOWN])

    @property
    def more(self) -> str:
        return ", ".join(self.nouns[_SHOWN:])

    @property
    def says_nothing(self) -> bool:
        return all(cell.answer == "no" for cell in self.cells)


@dataclass(frozen=True)
class Said:
    """One statement."""

    allow: bool
    phrases: tuple[str, ...]
    where: tuple[str, ...]
    """Patterns of namespaces; () for the whole account."""


def sentences(document: JSON) -> list[Said]:
    """Of a document without problems, statement by statement."""
    return [Said(one.allow, tuple(_phrases(one.actions)), one.namespaces) for one in policies.statements(document)]


def table(documents: Iterable[JSON]) -> list[Row]:
    """What documents without problems come to together. Rows of nothing but `no` are left out, if not all are."""
    rights = policies.rights(documents)
    rows = [row for service, nouns in (("cci", NOUNS), ("iam", IAM_NOUNS)) for row in _rows(rights, service, nouns)]
    return [row for row in rows if not row.says_nothing] or rows


def _rows(rights: Rights, service: str, nouns: Sequence[str]) -> Iterator[Row]:
    """The largest group stands last, as the rest."""
    alike: dict[tuple[Cell, ...], list[str]] = {}
    for noun in sorted(nouns):
        cells = tuple(_cell(rights, f"{service}:{noun}:{verb}", noun) for verb in VERBS)
        alike.setdefault(cells, []).append(noun)
    groups = sorted(alike.items(), key=lambda group: len(group[1]))
    for index, (cells, found) in enumerate(groups):
        is_rest = index == len(groups) - 1 and len(found) > _SHOWN
        yield Row(tuple(found), _title(service, is_whole=len(groups) == 1, is_rest=is_rest), cells)


def _title(service: str, *, is_whole: bool, is_rest: bool) -> str:
    if service == "iam":
        return _("Users, groups, policies, keys, audit") if is_whole else ""
    return _("Everything of CCI") if is_whole else _("Everything else") if is_rest else ""


def _cell(rights: Rights, action: str, noun: str) -> Cell:
    speaking = [one for one in rights.statements if policies.permits(one.actions, (), action)]
    has_place = action.startswith("cci:") and noun not in _placeless()
    if any(not one.allow and not one.namespaces for one in speaking):
        return Cell("denied")
    but = _patterns(one for one in speaking if not one.allow) if has_place else ()
    if policies.permits(rights.actions, (), action):
        return Cell("yes", but=but)
    where = _patterns(one for one in speaking if one.allow) if has_place else ()
    return Cell("some", where, but) if where else Cell("no")


def _patterns(statements: Iterable[Statement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in statements for name in one.namespaces))


@cache
def _placeless() -> frozenset[str]:
    kinds = registry.kinds().values()
    found = (one for one in kinds if not one.namespaced and one.name != "Namespace")
    return frozenset((*_NOWHERE, *(one.noun or one.singular or one.name.lower() for one in found)))


def _phrases(actions: Iterable[str]) -> Iterator[str]:
    """`read everything`, `do everything with deployment, job`: what has the same verbs stands together."""
    by_noun: dict[tuple[str, str], list[str]] = {}
    for action in actions:
        service, noun, verb = action.split(":")
        by_noun.setdefault((service, noun), []).append(verb)
    by_verbs: dict[tuple[str, ...], list[str]] = {}
    for (service, noun), verbs in by_noun.items():
        by_verbs.setdefault(tuple(dict.fromkeys(verbs)), []).append(_noun_words(service, noun))
    for said, nouns in by_verbs.items():
        yield _("%(verbs)s %(nouns)s") % {"verbs": _verb_words(said), "nouns": ", ".join(nouns)}


def _noun_words(service: str, noun: str) -> str:
    if noun != "*":
        return noun
    return {
        "cci": _("everything of CCI"),
        "iam": _("users, groups, policies, keys and the audit trail"),
    }.get(service, _("everything of CCI and IAM"))


def _verb_words(verbs: Sequence[str]) -> str:
    if "*" in verbs:
        return _("do everything with")
    words = {"get": _("read"), "list": _("list"), "create": _("create"), "update": _("change"), "delete": _("delete")}
    return ", ".join(words.get(verb, verb) for verb in verbs)
