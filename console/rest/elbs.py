"""ELBs as JSON: what `kubectl get elbs` knows, with who is behind each listener counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console import backends, elbrows
from console.elbrows import ElbRow, ListenerView, RouteLine, Shown
from console.forms.elbs import ElbDraft
from console.rest import paging
from console.rest.answers import elbs as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from workloads.client import Client
from workloads.kinds import elbs
from workloads.meta.errors import BadRequest, Forbidden
from workloads.routing.bindings import Ref

JSON = dict[str, Any]
KIND = elbs.KIND.name


class ElbQuestion(serializers.Serializer[JSON]):
    """`{"name": "shop", "address": "", "description": ""}`; without an address a free one is taken."""

    name = serializers.CharField(max_length=63)
    address = serializers.CharField(default="", allow_blank=True, max_length=15)
    description = serializers.CharField(default="", allow_blank=True, max_length=250)


class FiguresQuestion(serializers.Serializer[JSON]):
    """`?figures=true`"""

    figures = serializers.BooleanField(default=False, help_text="What its listeners are asked now; takes a second.")


class ElbsView(Resource):
    """The account's ELBs, and how many it may have."""

    @operation("List ELBs", query=Listed, answer=answers.ElbsAnswer)
    def get(self, request: Request) -> Response:
        client, asked = _client(request), read(Listed, request.query_params)
        rows = sorted(map(ElbRow, client.list(KIND).items), key=lambda row: row.name)
        found = paging.page("elbs", asked, rows, key=lambda row: (row.name,), body=_summary)
        return Response({**found, "quota": {"used": len(rows), "limit": client.elb_limit()}})

    @operation("Make an ELB", body=ElbQuestion, answer=answers.ElbAnswer, code=201)
    def post(self, request: Request) -> Response:
        client = _client(request)
        try:
            asked = read(ElbQuestion, request.data)
        except BadRequest:
            if not client.may("create", KIND):
                raise Forbidden("cci:elb:create") from None  # who may not is told that first
            raise
        (manifest,) = ElbDraft(**asked).manifests()
        return Response(_summary(ElbRow(client.create(KIND, manifest).obj)), status=201)


class ElbView(Resource):
    @operation("One ELB", query=FiguresQuestion, answer=answers.OneElbAnswer)
    def get(self, request: Request, name: str) -> Response:
        """With each listener's rules, certificates and backends; of what the caller may not see, that it is there.
        `?figures=true` adds what they are asked now; 503 while the proxy does not tell."""
        client = _client(request)
        row = ElbRow(client.get(KIND, name))
        found = elbrows.listeners(client, row, backends.known(client, None), now=datetime.now(UTC))
        body = {**_summary(row), "listeners": [_listener(one) for one in found]}
        if read(FiguresQuestion, request.query_params)["figures"]:
            body["figures"] = list(client.elb_figures(name))
        return Response(body)

    @operation("Delete an ELB", code=204)
    def delete(self, request: Request, name: str) -> Response:
        """409 while workloads are reached through it."""
        _client(request).delete(KIND, name)
        return Response(status=204)


def _client(request: Request) -> Client:
    return Client(identity(request), only_visible=True)


def _summary(row: ElbRow) -> JSON:
    return {
        "name": row.name,
        "id": row.uid,
        "address": row.address,
        "internalAddress": row.inside,
        "description": row.description,
        "state": elbs.state_of(row.obj),
        "message": row.message,
        "listeners": [{"port": one["port"], "protocol": one["protocol"]} for one in row.listeners],
        "workloads": [_reference(ref) for ref in row.workloads],
        "problems": row.problems,
        "created": row.created,
    }


def _listener(listener: ListenerView) -> JSON:
    return {
        "port": listener.port,
        "protocol": listener.protocol,
        "rules": [_rule(line) for line in listener.lines],
        "certificates": [_certificate(one) for one in listener.certificates],
        "hidden": len(listener.hidden),
    }


def _rule(line: RouteLine) -> JSON:
    if line.redirect:
        return {"requests": line.where, "exact": line.exact, "redirect": "https", "by": _reference(line.owner)}
    return {
        "requests": line.where,
        "exact": line.exact,
        "service": {"namespace": line.namespace, "name": line.service, "port": line.port},
        "by": _reference(line.owner),
        "backends": {"ready": line.backends.ready, "total": line.backends.total},
    }


def _certificate(one: Shown) -> JSON:
    ends = one.ends.isoformat() if one.ends else None
    return {"secret": one.secret, "subject": one.subject, "names": list(one.names), "ends": ends, "problem": one.wrong}


def _reference(ref: Ref) -> JSON:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
