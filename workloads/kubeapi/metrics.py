"""`metrics.k8s.io`: what `kubectl top` asks for. The figures are the agent's; who sees which is the front door's word.

There is one node, the service itself. What is told of it is what the account's own pods use on it: what others use is
nobody's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings

from workloads.client import Client, PodFigures
from workloads.kinds import metrics
from workloads.kinds.base import Kind
from workloads.kubeapi.authentication import Caller
from workloads.kubeapi.exchange import Reply, Request
from workloads.kubeapi.negotiation import accepted
from workloads.kubeapi.threads import in_thread
from workloads.kubeapi.views import View
from workloads.meta import selectors
from workloads.meta.errors import BadRequest, MethodNotAllowed, NotFound

JSON = dict[str, Any]
Shown = Callable[[], Reply]


@dataclass(frozen=True)
class Target:
    """`namespace` None spans the account."""

    kind: Kind
    namespace: str | None
    name: str


def kind_of(group: str, version: str, plural: str) -> Kind | None:
    if (group, version) != (metrics.GROUP, metrics.VERSION):
        return None
    return next((kind for kind in metrics.KINDS if kind.plural == plural), None)


async def answer(request: Request, caller: Caller, target: Target) -> Reply:
    """Raises StatusError."""
    if request.method not in ("GET", "HEAD") or request.query.flag("watch"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    include = request.query.one_of("includeObject", ("None", "Metadata", "Object"), default="Metadata")
    shown = accepted(request.headers.get("accept", ""))
    view = View(target.kind, target.kind.api_version, shown, include)  # type: ignore[arg-type]
    client = Client(caller.identity)
    if target.kind is metrics.NODES:
        return await in_thread(lambda: _nodes(client, view, target, request))
    return await in_thread(lambda: _pods(client, view, target, request))


def _pods(client: Client, view: View, target: Target, request: Request) -> Reply:
    if target.name:
        return view.one(orjson.dumps(_pod(client.pod_usage(target.namespace or "", target.name))))
    labels, fields = request.query.text("labelSelector"), request.query.text("fieldSelector")
    found = client.usage(target.namespace, label_selector=labels, field_selector=fields)
    return view.listed([orjson.dumps(_pod(one)) for one in found], {})


def _nodes(client: Client, view: View, target: Target, request: Request) -> Reply:
    name, used = str(settings.NODE_NAME), client.usage()
    if target.name and target.name != name:
        raise NotFound.named("nodemetrics", target.name, group=metrics.GROUP)
    node = orjson.dumps(_node(name, used))
    if target.name:
        return view.one(node)
    return view.listed([node] if _is_meant(request, name) else [], {})


def _pod(figures: PodFigures) -> JSON:
    return metrics.pod(
        figures.name,
        figures.namespace,
        labels=figures.labels,
        at=figures.at,
        span=figures.window,
        containers={
            one.name: metrics.usage(cpu_nanocores=one.cpu_nanocores, memory_bytes=one.memory_bytes)
            for one in figures.containers
        },
    )


def _node(name: str, pods: Sequence[PodFigures]) -> JSON:
    used = metrics.usage(
        cpu_nanocores=sum(one.cpu_nanocores for one in pods), memory_bytes=sum(one.memory_bytes for one in pods)
    )
    at = max((one.at for one in pods), default=datetime.now(UTC))
    span = max((one.window for one in pods), default=timedelta())
    return metrics.node(name, at=at, span=span, used=used)


def _is_meant(request: Request, name: str) -> bool:
    """Raises BadRequest."""
    try:
        labels = selectors.parse(request.query.text("labelSelector"))
        fields = selectors.parse_fields(request.query.text("fieldSelector"), ("metadata.name",))
    except selectors.SelectorError as error:
        raise BadRequest(str(error)) from None
    return labels.matches({}) and fields.matches(lambda field: name)
