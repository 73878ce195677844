"""A path to what answers it. Kinds come from the registry: a new kind has its routes without a line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from workloads.client import Client
from workloads.kinds import refusals, registry
from workloads.kinds.base import Kind
from workloads.kubeapi import (
    authentication,
    crowds,
    discovery,
    health,
    issuer,
    keystone,
    logins,
    metrics,
    openapi,
    resources,
    reviews,
    telemetry,
)
from workloads.kubeapi.exchange import Reply, Request, Stream, Upgrade, json_reply, warning_headers
from workloads.kubeapi.resources import Target
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import Forbidden, MethodNotAllowed, NotBuilt, NotFound

NOWHERE = "the server could not find the requested resource"

_NAMESPACE_PARTS = ("status", "finalize")
"""What stands behind a namespace's own name; anything else there is a collection in it."""


@dataclass(frozen=True)
class _Place:
    """What the part of a path behind its group and version names."""

    plural: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""


def _metrics(request: Request, segments: list[str]) -> Awaitable[Reply]:
    if len(segments) > 1:
        raise NotFound(NOWHERE)
    return telemetry.answer(request)


UNGUARDED: dict[str, Callable[[Request, list[str]], Awaitable[Reply]]] = {
    "version": health.answer,
    **dict.fromkeys(health.ROOMS, health.answer),
    "metrics": _metrics,
    "iam": lambda request, segments: logins.answer(request, segments[1:]),
    "v3": lambda request, segments: keystone.answer(request, segments[1:]),
}
"""What answers before anybody is asked who they are, by the first part of a path. All else is for those with a token.
`tests/workloads/kubeapi/test_isolation.py` knows these by name: a new one has to be owned up to there."""


_CROWDED = ("iam", "v3")
"""Of these, what bears bodies and has places as everything else has; health and figures are told in any crowd."""


async def answer(request: Request) -> Reply | Stream | Upgrade:
    """Raises StatusError."""
    segments = [segment for segment in request.path.split("/") if segment]
    room = segments[0] if segments else ""
    if room in UNGUARDED:
        if room in _CROWDED:
            await _enter(request, f"address {request.address}")
        return await UNGUARDED[room](request, segments)
    caller = _through(request, await authentication.caller_of(request))
    await _enter(request, caller.identity.account)
    if segments in issuer.PLACES:
        _only_get(request)
        return issuer.answer(segments)
    if room == "openapi":
        _only_get(request)
        return openapi.answer(request, segments[1:])
    if room == "" or (room == "api" and len(segments) < 3) or (room == "apis" and len(segments) < 4):
        _only_get(request)
        return discovery.answer(request, segments)
    if room == "api":
        return await _trailed(request, caller, "", segments[1], segments[2:])
    if room == "apis":
        return await _trailed(request, caller, segments[1], segments[2], segments[3:])
    raise NotFound(NOWHERE)


async def _enter(request: Request, who: str) -> None:
    """A place among those that are served at once, given back when the answer was sent. Raises TooManyRequests."""
    crowd = crowds.requests()
    await crowd.enter(who)
    request.asked.sit(partial(crowd.leave, who))


def _through(request: Request, caller: authentication.Caller) -> authentication.Caller:
    agent = request.headers.get("user-agent", "")
    return replace(caller, identity=caller.identity.came("kube-api", address=request.address, agent=agent))


async def _trailed(
    request: Request, caller: authentication.Caller, group: str, version: str, rest: list[str]
) -> Reply | Stream | Upgrade:
    """What is denied is in the audit trail, whatever part of the product denied it."""
    try:
        return await _resource(request, caller, group, version, rest)
    except Forbidden as refusal:
        door, denied, place = Client(caller.identity), refusal, _place(rest)
        kind = registry.by_resource(group, version, place.plural)
        what = kind.name if kind else place.plural
        await in_thread(
            lambda: door.note_denial(denied, what, place.name, place.namespace or "", subresource=place.subresource)
        )
        raise


async def _resource(
    request: Request, caller: authentication.Caller, group: str, version: str, rest: list[str]
) -> Reply | Stream | Upgrade:
    place = _place(rest)
    asked = request.asked
    asked.group, asked.resource, asked.subresource = group, place.plural, place.subresource
    review = reviews.find(group, version, place.plural, place.namespace)
    if review and not place.name:
        return await review(request, caller.identity)
    measured = metrics.kind_of(group, version, place.plural)
    if measured and not place.subresource:
        _check_scope(measured, place)
        return await metrics.answer(request, caller, metrics.Target(measured, place.namespace, place.name))
    kind = registry.by_resource(group, version, place.plural)
    if kind is None:
        return await _of_unknown(request, caller, group, version, place)
    _check_scope(kind, place)
    api_version = f"{group}/{version}" if group else version
    target = Target(kind, api_version, place.namespace, place.name, place.subresource)
    answer = await resources.answer(request, caller, target)
    return _warned(answer, kind.deprecation) if kind.deprecation else answer


def _warned(answer: Reply | Stream | Upgrade, sentence: str) -> Reply | Stream | Upgrade:
    """Whoever uses it hears of it, whatever they ask, as upstream."""
    if isinstance(answer, Upgrade):
        return answer
    return replace(answer, headers=(*answer.headers, *warning_headers([sentence])))


def _place(rest: list[str]) -> _Place:
    """`pods`, `namespaces/a/pods/b/log`, `namespaces/a` (the namespace itself). Raises NotFound."""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _NAMESPACE_PARTS:
        namespace, rest = rest[1], rest[2:]
        return _Place(rest[0], namespace, *_name_and_subresource(rest))
    return _Place(rest[0], None, *_name_and_subresource(rest))


def _name_and_subresource(rest: list[str]) -> tuple[str, str]:
    if len(rest) > 3 and rest[2] != "proxy":
        raise NotFound(NOWHERE)
    return rest[1] if len(rest) > 1 else "", rest[2] if len(rest) > 2 else ""


def _check_scope(kind: Kind, place: _Place) -> None:
    """A namespaced object is named with its namespace, others without."""
    if not kind.namespaced and place.namespace is not None:
        raise NotFound(NOWHERE)
    if kind.namespaced and place.namespace is None and place.name:
        raise NotFound(NOWHERE)


async def _of_unknown(
    request: Request, caller: authentication.Caller, group: str, version: str, place: _Place
) -> Reply:
    """A kind that is refused by name says why, and what to use instead. Nobody has any, and that is what a list of them
    answers: `kubectl apply --prune` asks for kinds it only means to find empty."""
    refused = refusals.refused_resource(group=group, version=version, plural=place.plural)
    if refused is None:
        raise NotFound(NOWHERE)
    if request.method == "POST":
        raise NotBuilt(refused.sentence)
    if request.method != "GET" or place.name or request.query.flag("watch"):
        raise NotFound(refused.sentence)
    revision = await in_thread(Client(caller.identity).revision)
    nothing = {
        "kind": f"{refused.name}List",
        "apiVersion": f"{group}/{version}" if group else version,
        "metadata": {"resourceVersion": str(revision)},
        "items": [],
    }
    return json_reply(nothing, headers=warning_headers([refused.sentence]))


def _only_get(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
