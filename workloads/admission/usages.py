"""How much of what a quota tracks a namespace has of one kind: counted once, then carried along with the log.

The log says of each change what was there before and what is there now, so what was counted at one entry becomes what
is there at the newest by the changes between them, however many objects there are. Inside the write's transaction
nobody else writes: there it is exact. What was counted is worth nothing when the entry it stands at is not the one it
was (trimmed, rolled back, another database), or when too much has happened since: then it is counted anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from workloads.kinds import quotas
from workloads.kinds.base import Kind
from workloads.meta import wire
from workloads.store import changes, objects
from workloads.store.changes import Tip

JSON = dict[str, Any]
Amounts = Mapping[str, Decimal]

MOST_BEHIND = 500
"""Changes that are caught up with; after more, counting anew is as quick."""
_MOST_KNOWN = 512
_DIGITS = 60
"""Of a sum: what was added and taken away again must leave nothing."""


class Question(NamedTuple):
    account: str
    namespace: str
    kind: str
    tracked: tuple[str, ...]
    scopes: tuple[str, ...]


class _Known(NamedTuple):
    at: Tip
    amounts: Amounts


_known: dict[Question, _Known] = {}


def of(kind: Kind, account: str, namespace: str, tracked: Iterable[str], scopes: Iterable[str]) -> Amounts:
    """By resource; what there is nothing of is left out."""
    question = Question(account, namespace, kind.name, tuple(sorted(tracked)), tuple(sorted(scopes)))
    with localcontext(prec=_DIGITS):
        found = _carried(kind, question) or _counted(kind, question)
    if found.at == changes.NOTHING:
        return found.amounts
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[question] = found
    return found.amounts


def _carried(kind: Kind, question: Question) -> _Known | None:
    known = _known.get(question)
    if known is None:
        return None
    since = changes.between(
        known.at, kind.name, account=question.account, namespace=question.namespace, limit=MOST_BEHIND
    )
    if since is None:
        return None
    amounts = dict(known.amounts)
    for entry in since.entries:
        _add(amounts, kind, question, None if entry.type == "DELETED" else entry.data, sign=1)
        _add(amounts, kind, question, entry.previous, sign=-1)
    return _Known(since.end, amounts)


def _counted(kind: Kind, question: Question) -> _Known:
    page = objects.scan(question.kind, account=question.account, namespace=question.namespace)
    amounts: dict[str, Decimal] = {}
    for row in page.rows:
        _add(amounts, kind, question, row.data, sign=1)
    return _Known(changes.tip_at(page.revision), amounts)


def _add(amounts: dict[str, Decimal], kind: Kind, question: Question, data: bytes | None, *, sign: int) -> None:
    if data is not None:
        for name, amount in quotas.added(kind, wire.load(data), question.tracked, question.scopes).items():
            amounts[name] = amounts.get(name, Decimal(0)) + sign * amount
