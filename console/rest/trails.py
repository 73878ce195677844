"""The audit trail of the account as JSON, by the same filters as its page, for those who may read it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.rest.answers import people as answers
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from iam import trails
from iam.errors import NotAdministrator
from iam.identities import Identity
from iam.models import AuditEntry
from workloads.meta.errors import Forbidden

JSON = dict[str, Any]

MOST = 500
_HIGHEST_ID = 2**63 - 1


class AuditQuestion(serializers.Serializer[JSON]):
    """`?q=shop web&user=bob&outcome=denied&since=2026-01-01&until=2026-01-31&limit=50`: days are UTC, `until` is the
    last one; the next page is asked for with `before`."""

    q = serializers.CharField(default="", max_length=500, allow_blank=True)
    user = serializers.CharField(default="", max_length=200, allow_blank=True)
    outcome = serializers.ChoiceField(default="", choices=("done", "denied", "failed"), allow_blank=True)
    since = serializers.DateField(default=None)
    until = serializers.DateField(default=None)
    before = serializers.IntegerField(default=None, min_value=1, max_value=_HIGHEST_ID)
    limit = serializers.IntegerField(default=50, min_value=1, max_value=MOST)


class AuditView(Resource):
    """The newest entries first. `next` is what to give as `before` for those that are older; null on the last page."""

    @operation("Read the audit trail", query=AuditQuestion, answer=answers.AuditAnswer)
    def get(self, request: Request) -> Response:
        asked = read(AuditQuestion, request.query_params)
        found = _found(identity(request), asked)
        shown = found[: asked["limit"]]
        return Response(
            {"items": [_entry(one) for one in shown], "next": shown[-1].pk if len(found) > len(shown) else None}
        )


def _found(by: Identity, asked: JSON) -> list[AuditEntry]:
    """One more than are shown. Raises Forbidden."""
    since, until = asked["since"], asked["until"]
    try:
        return trails.search(
            by,
            text=asked["q"],
            user=asked["user"],
            outcome=asked["outcome"],
            since=_midnight(since) if since else None,
            before=_midnight(until + timedelta(days=1)) if until and until < date.max else None,
            older_than=asked["before"],
            limit=asked["limit"] + 1,
        )
    except NotAdministrator as refusal:
        raise Forbidden(refusal.action) from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _entry(entry: AuditEntry) -> JSON:
    """`previous` and `digest` are the seal: each entry's `previous` is the `digest` of the one before it."""
    told = ("user", "door", "address", "agent", "action", "kind", "namespace", "name", "subresource", "outcome")
    said = {field: getattr(entry, field) for field in (*told, "message", "changes", "previous", "digest")}
    return {"id": entry.pk, "at": entry.at.isoformat(), **said}
