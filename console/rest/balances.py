"""Balances and credits as JSON: one's own to read, everybody's to write for the operator."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import client as billing
from billing import instants
from billing.client import balances
from console.rest import paging
from console.rest.answers import budgets as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from workloads.meta.errors import BadRequest

JSON = dict[str, Any]


class BalanceChange(serializers.Serializer[JSON]):
    """`{"account": "acme", "prepaid": true}`"""

    account = serializers.CharField(max_length=64)
    prepaid = serializers.BooleanField()


class CreditQuestion(serializers.Serializer[JSON]):
    """`{"account": "acme", "amount": "100", "note": "order 4711"}`; a negative amount takes back."""

    account = serializers.CharField(max_length=64)
    amount = serializers.DecimalField(max_digits=20, decimal_places=10)
    note = serializers.CharField(max_length=250, default="", allow_blank=True)


class BalanceView(Resource):
    @operation("The account's balance", answer=answers.BalanceAnswer)
    def get(self, request: Request) -> Response:
        """Of one's own account."""
        return Response(_balance(balances.balance(identity(request))))

    @operation("Make an account prepaid or post-paid", body=BalanceChange, answer=answers.BalanceAnswer)
    def patch(self, request: Request) -> Response:
        """For the operator."""
        who = identity(request)
        asked = _asked(BalanceChange, request, "update")
        return Response(_balance(balances.set_prepaid(who, asked["account"], asked["prepaid"])))


class CreditsView(Resource):
    @operation("List credits", query=Listed, answer=answers.CreditsAnswer)
    def get(self, request: Request) -> Response:
        """Of one's own account, the newest first."""
        asked = read(Listed, request.query_params)
        found = balances.credits(identity(request))
        return Response(paging.page("credits", asked, found, key=lambda one: (-one.at, str(one.pk)), body=_credit))

    @operation("Credit an account", body=CreditQuestion, answer=answers.CreditAnswer, code=201)
    def post(self, request: Request) -> Response:
        """For the operator. Send an `Idempotency-Key`: money given twice is hard to take back."""
        asked = _asked(CreditQuestion, request, "create")
        made = balances.credit(identity(request), asked["account"], asked["amount"], note=asked["note"])
        return Response(_credit(made), status=201)


def _asked(question: Any, request: Request, verb: str) -> JSON:
    """Who may not is told that before what is wrong."""
    try:
        return read(question, request.data)
    except BadRequest:
        balances.admit_operator(identity(request), verb)
        raise


def _balance(view: balances.View) -> JSON:
    funds = view.funds
    return {
        "account": view.account,
        "currency": view.currency,
        "prepaid": view.prepaid,
        "state": view.state,
        "credits": None if funds is None else billing.plain(funds.credits),
        "spent": None if funds is None else billing.plain(funds.spent),
        "covered": None if funds is None else billing.plain(funds.course.relief.paid),
        "left": None if funds is None else billing.plain(funds.left),
        "perSecond": None if funds is None else billing.plain(funds.per_second),
        "usedUp": None if view.used_up is None else view.used_up.isoformat(),
        "graceEnds": None if view.grace_ends is None else view.grace_ends.isoformat(),
    }


def _credit(one: Any) -> JSON:
    return {
        "id": str(one.pk),
        "account": one.account,
        "amount": billing.plain(one.amount),
        "currency": one.currency,
        "note": one.note,
        "by": one.by,
        "at": instants.text(one.at),
    }
