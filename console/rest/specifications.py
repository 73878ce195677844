"""The grid of pod specifications: read by everybody, with its history; written by who runs the installation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import client as billing
from console.rest import paging
from console.rest.answers import specifications as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from console.rest.views import offer_body, rate_body
from workloads.client import (
    GridRefused,
    NoSuchRow,
    Numbered,
    grid_changes,
    pod_specification_row,
    pod_specification_rows,
    pod_specifications,
)
from workloads.kinds import gridtexts
from workloads.kinds.grids import FLAVORS, Row, row_problems
from workloads.kinds.gridtexts import FIELDS, Unreadable
from workloads.meta.errors import Cause, Invalid, NotFound

JSON = dict[str, Any]
_NAMES = {"since": "effectiveFrom"}
"""Fields whose name in JSON is another one."""


class FlavorQuestion(serializers.Serializer[dict[str, Any]]):
    """`?flavor=general-computing`; without it, of every flavor."""

    flavor = serializers.ChoiceField(default="", choices=FLAVORS, allow_blank=True)


class PodSpecificationsView(Resource):
    """What can be had now: the grid, and the sizes a picker offers, each with its price. It belongs to no account."""

    @operation("The grid of pod specifications", query=FlavorQuestion, answer=answers.PodSpecificationsAnswer)
    def get(self, request: Request) -> Response:
        flavor = read(FlavorQuestion, request.query_params)["flavor"]
        grid = pod_specifications()
        offers = [offer for name in FLAVORS for offer in billing.specifications(name) if flavor in ("", name)]
        return Response(
            {
                "containers": gridtexts.rule_fields(grid.containers),
                "rows": [gridtexts.fields_of(row) for row in grid.rows if flavor in ("", row.flavor)],
                "offers": [offer_body(*offer) for offer in offers],
            }
        )


class RowsQuestion(Listed):
    """`?flavor=general-computing&state=coming&at=2027-01-01T00:00:00Z`: with `at` those in force then, else all."""

    flavor = serializers.ChoiceField(default="", choices=FLAVORS, allow_blank=True)
    state = serializers.ChoiceField(default="", choices=["past", "in force", "coming"], allow_blank=True)
    at = serializers.DateTimeField(default=None)


class RowDraft(serializers.Serializer[JSON]):
    """A row of the grid. Without `effectiveFrom` it counts at once."""

    flavor = serializers.CharField(max_length=32)
    cpu = serializers.CharField(max_length=32, help_text="Cores, such as 0.25-32; 48 for exactly that.")
    step = serializers.CharField(default="", allow_blank=True, max_length=16, help_text="0.25, unless it is given.")
    memory = serializers.CharField(max_length=32, help_text="Whole GiB, such as 1-512.")
    ratio = serializers.CharField(default="", allow_blank=True, max_length=32, help_text="GiB per core, such as 2-8.")
    gpu = serializers.CharField(default="", allow_blank=True, max_length=64)
    gpus = serializers.CharField(default="", allow_blank=True, max_length=3)
    effectiveFrom = serializers.DateTimeField(required=False)


class EndQuestion(serializers.Serializer[JSON]):
    """`?effectiveFrom=2027-01-01T00:00:00Z`; at once, unless it is given."""

    effectiveFrom = serializers.DateTimeField(default=None)


class SpecificationRowsView(Resource):
    """The rows of the grid that were, are and will be."""

    @operation("List rows of the grid", query=RowsQuestion, answer=answers.SpecificationRowsAnswer)
    def get(self, request: Request) -> Response:
        asked, now = read(RowsQuestion, request.query_params), datetime.now(UTC)
        found = [
            one
            for one in pod_specification_rows()
            if asked["flavor"] in ("", one.row.flavor)
            and asked["state"] in ("", one.state(now))
            and (asked["at"] is None or one.state(asked["at"]) == "in force")
        ]
        key = grid_changes.place
        return Response(paging.page("specification-rows", asked, found, key=key, body=row_body))

    @operation("Add a row to the grid", body=RowDraft, answer=answers.SpecificationRowAnswer, code=201)
    def post(self, request: Request) -> Response:
        """It counts at once or later. For who runs the installation."""
        grid_changes.admit(identity(request), grid_changes.CREATE)
        asked = read(RowDraft, request.data)
        with _Told():
            made = grid_changes.add(identity(request), _row(asked), since=asked.get("effectiveFrom"))
        return Response(row_body(made), status=201)


class SpecificationPreviewView(Resource):
    @operation("Preview a row of the grid", body=RowDraft, answer=answers.GridEffectAnswer)
    def post(self, request: Request) -> Response:
        """The prices of its sizes. Nothing is changed. For who runs the installation."""
        grid_changes.admit(identity(request), grid_changes.CREATE)
        return Response(_preview(read(RowDraft, request.data), None))


class SpecificationRowView(Resource):
    @operation("A row of the grid", answer=answers.SpecificationRowAnswer)
    def get(self, request: Request, number: int) -> Response:
        return Response(row_body(_found(number)))

    @operation("Change a row of the grid", body=RowDraft, answer=answers.SpecificationRowAnswer)
    def put(self, request: Request, number: int) -> Response:
        """Another row in its place, at once or later; this one is kept as history. For who runs the installation."""
        grid_changes.admit(identity(request), grid_changes.UPDATE)
        asked = read(RowDraft, request.data)
        with _Told():
            made = grid_changes.change(identity(request), number, _row(asked), since=asked.get("effectiveFrom"))
        return Response(row_body(made))

    @operation("End a row of the grid", query=EndQuestion, code=204)
    def delete(self, request: Request, number: int) -> Response:
        """One in force ends, one that is to come is withdrawn. Pods of its sizes run on. For who runs the
        installation."""
        grid_changes.admit(identity(request), grid_changes.DELETE)
        since = read(EndQuestion, request.query_params)["effectiveFrom"]
        with _Told():
            grid_changes.remove(identity(request), number, since=since)
        return Response(status=204)


class SpecificationRowPreviewView(Resource):
    @operation("Preview a change of a row of the grid", body=RowDraft, answer=answers.GridEffectAnswer)
    def post(self, request: Request, number: int) -> Response:
        """The prices of its sizes, and the running pods whose sizes could not be had any more. Nothing is changed. For
        who runs the installation."""
        grid_changes.admit(identity(request), grid_changes.UPDATE)
        return Response(_preview(read(RowDraft, request.data), _found(number)))


def row_body(one: Numbered) -> JSON:
    return {
        "id": one.number,
        **gridtexts.fields_of(one.row),
        "effectiveFrom": one.since.isoformat(),
        "until": one.until.isoformat() if one.until else None,
        "state": one.state(datetime.now(UTC)),
    }


def _preview(asked: JSON, old: Numbered | None) -> JSON:
    row, now = _row(asked), datetime.now(UTC)
    if problems := row_problems(row):
        raise _invalid({one.field: one.said for one in problems})
    at = max(asked.get("effectiveFrom") or now, now)
    before = [one for one in pod_specification_rows() if one.state(at) == "in force"]
    after = [one.row for one in before if old is None or one.number != old.number]
    effect = billing.grid_effect([one.row for one in before], [*after, row], row)
    return {
        "sizes": [{"specification": str(size), "price": rate and rate_body(rate)} for size, rate in effect.sizes],
        "gone": [{"flavor": name, "specification": str(size), "pods": pods} for name, size, pods in effect.gone],
    }


def _row(asked: JSON) -> Row:
    try:
        return gridtexts.row_of({name: asked[name] for name in FIELDS})
    except Unreadable as wrong:
        raise _invalid({wrong.field or "cpu": str(wrong)}) from None


def _found(number: int) -> Numbered:
    with _Told():
        return pod_specification_row(number)


class _Told:
    """What the grid refuses is a Status that names the field."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, NoSuchRow):
            raise NotFound(str(error)) from None
        if isinstance(error, GridRefused):
            raise _invalid({_NAMES.get(name, name): said for name, said in error.fields.items()}) from None


def _invalid(fields: dict[str, str]) -> Invalid:
    return Invalid(" ".join(fields.values()), causes=tuple(Cause(*field) for field in fields.items()))
