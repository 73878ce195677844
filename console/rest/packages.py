"""Resource packages as JSON: what an account has and how it stands; the operator grants and ends them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import client as billing
from billing.client import packages, plain
from console.rest import paging
from console.rest.answers import bills as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from iam import operators

JSON = dict[str, Any]


class PackageQuestion(serializers.Serializer[JSON]):
    """`{"account": "acme", "name": "Spring", "item": "vcpu", "hours": "1000", "ends": "2027-01-01T00:00:00Z",
    "monthly": true}`; without `starts` it pays from the present hour on."""

    account = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=64)
    item = serializers.ChoiceField(choices=packages.ITEMS, help_text="vcpu: core-hours; memory: GiB-hours.")
    hours = serializers.DecimalField(max_digits=12, decimal_places=2)
    starts = serializers.DateTimeField(default=None, allow_null=True, help_text="A full hour.")
    ends = serializers.DateTimeField(help_text="A full hour.")
    monthly = serializers.BooleanField(default=False, help_text="The whole amount anew each month.")


class PackagesView(Resource):
    """The account's packages, with what is left of each as far as the ledger is settled."""

    @operation("List resource packages", query=Listed, answer=answers.PackagesAnswer)
    def get(self, request: Request) -> Response:
        asked = read(Listed, request.query_params)
        found = sorted(packages.packages(identity(request)), key=lambda view: view.number)
        return Response(paging.page("packages", asked, found, key=lambda view: (view.number,), body=_package))

    @operation("Grant a resource package", body=PackageQuestion, answer=answers.GrantAnswer, code=201)
    def post(self, request: Request) -> Response:
        """For the operator alone, to any account."""
        by = identity(request)
        operators.admit(by, "cci:package:create")
        made = packages.grant(by, packages.Wish(**read(PackageQuestion, request.data)))
        return Response({"id": made.pk, "account": made.account, "name": made.name}, status=201)


class PackageView(Resource):
    @operation("One resource package", answer=answers.PackageAnswer)
    def get(self, request: Request, number: int) -> Response:
        return Response(_package(packages.package(identity(request), number)))

    @operation("End a resource package", code=204)
    def delete(self, request: Request, number: int) -> Response:
        """For the operator alone. It pays until the next full hour; what it has paid for stays paid."""
        packages.end(identity(request), number)
        return Response(status=204)


def _package(view: billing.packages.View) -> JSON:
    return {
        "id": view.number,
        "name": view.name,
        "item": view.item,
        "hours": plain(view.hours),
        "used": _hours(view.used),
        "left": _hours(view.left),
        "starts": view.starts.isoformat(),
        "ends": view.ends.isoformat(),
        "monthly": view.monthly,
        "nextReset": view.next_reset.isoformat() if view.next_reset else None,
        "state": view.state,
    }


def _hours(hours: Any) -> str:
    """To the millionth, so that a few seconds are seen."""
    return plain(round(hours, 6))
