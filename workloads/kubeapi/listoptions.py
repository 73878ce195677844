"""What the query of a list or watch asks of time: which revision, how exactly. Upstream's rules in upstream's words."""

from __future__ import annotations

from workloads.client import NEWEST, Freshness
from workloads.kubeapi.exchange import Query
from workloads.meta.causes import forbidden, unsupported
from workloads.meta.errors import BadRequest, Cause, Invalid

_EXACT, _NOT_OLDER = "Exact", "NotOlderThan"
_MATCH = "resourceVersionMatch"


def of_list(query: Query) -> Freshness:
    """Raises BadRequest, Invalid."""
    match, text = query.text(_MATCH), query.text("resourceVersion")
    causes = _of_list(query, match, text) if match else []
    if "sendInitialEvents" in query:
        causes.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    _refuse(causes)
    revision = query.revision("resourceVersion")
    if query.text("continue"):
        if revision:
            raise BadRequest("specifying resource version is not allowed when using continue")
        return NEWEST
    if match == _EXACT:
        return Freshness(exactly=revision)
    if revision and query.number("limit") and not match:
        return Freshness(exactly=revision)
    return Freshness(at_least=revision)


def check_watch(query: Query) -> None:
    """Raises Invalid."""
    match, initial = query.text(_MATCH), "sendInitialEvents" in query
    causes = []
    if initial and match != _NOT_OLDER:
        causes.append(forbidden(_MATCH, f"sendInitialEvents requires setting {_MATCH} to {_NOT_OLDER}"))
    if match and not initial:
        causes.append(forbidden(_MATCH, f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided"))
    if match and match != _NOT_OLDER:
        causes.append(unsupported(_MATCH, match, (_NOT_OLDER,)))
    if match and query.text("continue"):
        causes.append(forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
    _refuse(causes)


def _of_list(query: Query, match: str, revision: str) -> list[Cause]:
    causes = []
    if not revision:
        causes.append(forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided"))
    if query.text("continue"):
        causes.append(forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
    if match not in (_EXACT, _NOT_OLDER):
        causes.append(unsupported(_MATCH, match, (_EXACT, _NOT_OLDER, "")))
    if match == _EXACT and revision == "0":
        causes.append(forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"'))
    return causes


def _refuse(causes: list[Cause]) -> None:
    if causes:
        raise Invalid.of("ListOptions", "", tuple(causes), group="meta.k8s.io")
