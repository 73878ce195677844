"""Budgets as JSON: what may be spent, what is, and what was told and done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import client as billing
from billing import instants
from billing.client import budgets
from console.rest import paging
from console.rest.answers import budgets as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from workloads.meta.errors import BadRequest, Forbidden

JSON = dict[str, Any]


class BudgetQuestion(serializers.Serializer[JSON]):
    """`{"name": "team", "scope": "namespace", "namespace": "shop", "period": "monthly", "amount": "100",
    "thresholds": [50, 80, 100], "action": "stop"}`; a workload is named by `workloadKind` and `workloadName`."""

    name = serializers.CharField(max_length=63)
    scope = serializers.ChoiceField(choices=budgets.SCOPES, default="account")
    namespace = serializers.CharField(max_length=63, default="", allow_blank=True)
    workloadKind = serializers.CharField(max_length=64, default="", allow_blank=True)
    workloadName = serializers.CharField(max_length=253, default="", allow_blank=True)
    period = serializers.ChoiceField(choices=budgets.PERIODS, default="monthly")
    amount = serializers.DecimalField(max_digits=20, decimal_places=10)
    thresholds = serializers.ListField(child=serializers.IntegerField(), default=list(budgets.THRESHOLDS))
    action = serializers.ChoiceField(choices=budgets.ACTIONS, default="notify")
    emails = serializers.ListField(child=serializers.CharField(max_length=254), default=list)
    webhook = serializers.CharField(max_length=500, default="", allow_blank=True)


class BudgetChange(serializers.Serializer[JSON]):
    """What can be changed; what is not given stays. With `version`, 409 when somebody changed it meanwhile."""

    amount = serializers.DecimalField(max_digits=20, decimal_places=10, required=False)
    thresholds = serializers.ListField(child=serializers.IntegerField(), required=False)
    action = serializers.ChoiceField(choices=budgets.ACTIONS, required=False)
    emails = serializers.ListField(child=serializers.CharField(max_length=254), required=False)
    webhook = serializers.CharField(max_length=500, required=False, allow_blank=True)
    version = serializers.IntegerField(required=False, default=None, allow_null=True)


class ResumeQuestion(serializers.Serializer[JSON]):
    """`{"amount": "150"}` now, or `{"atEnd": true}` when the period is over; `{}` where the amount is enough again."""

    amount = serializers.DecimalField(max_digits=20, decimal_places=10, required=False, default=None, allow_null=True)
    atEnd = serializers.BooleanField(default=False)


class BudgetsView(Resource):
    """The account's budgets, with what each has spent now."""

    @operation("List budgets", query=Listed, answer=answers.BudgetsAnswer)
    def get(self, request: Request) -> Response:
        asked = read(Listed, request.query_params)
        found = budgets.budgets(identity(request))
        return Response(paging.page("budgets", asked, found, key=lambda view: (view.budget.name,), body=_summary))

    @operation("Make a budget", body=BudgetQuestion, answer=answers.BudgetAnswer, code=201)
    def post(self, request: Request) -> Response:
        who = identity(request)
        try:
            asked = read(BudgetQuestion, request.data)
        except BadRequest:
            if not budgets.may(who, "create"):
                raise Forbidden("cci:budget:create") from None  # who may not is told that first
            raise
        asked["workload_kind"], asked["workload_name"] = asked.pop("workloadKind"), asked.pop("workloadName")
        lists = {name: tuple(asked[name]) for name in ("thresholds", "emails")}
        wish = budgets.Wish(**{**asked, **lists})
        return Response(_summary(budgets.create(who, wish)), status=201)


class BudgetView(Resource):
    @operation("One budget", answer=answers.OneBudgetAnswer)
    def get(self, request: Request, name: str) -> Response:
        """With what it has told, and what it has suspended."""
        return Response(_detail(budgets.budget(identity(request), name)))

    @operation("Change a budget", body=BudgetChange, answer=answers.BudgetAnswer)
    def patch(self, request: Request, name: str) -> Response:
        """What is not given stays. 409 when `version` is given and somebody changed it meanwhile."""
        who = identity(request)
        budgets.admit(who, "update", name)  # who may not is told that first
        stored = budgets.budget(who, name)
        asked = read(BudgetChange, request.data)
        version = asked.pop("version", None)
        asked |= {name: tuple(asked[name]) for name in ("thresholds", "emails") if name in asked}
        wish = replace(budgets.wish_of(stored.budget), **asked)
        return Response(_summary(budgets.change(who, name, wish, version=version)))

    @operation("Delete a budget", code=204)
    def delete(self, request: Request, name: str) -> Response:
        """409 while it holds workloads suspended."""
        budgets.delete(identity(request), name)
        return Response(status=204)


class BudgetResumeView(Resource):
    @operation("Resume what a budget has suspended", body=ResumeQuestion, answer=answers.OneBudgetAnswer)
    def post(self, request: Request, name: str) -> Response:
        """`amount` now, or `atEnd` when the period is over. 409 when nothing is suspended; 422 with the least amount
        that will do."""
        who = identity(request)
        budgets.admit(who, "update", name)
        asked = read(ResumeQuestion, request.data)
        view = budgets.resume(who, name, amount=asked["amount"], at_end=asked["atEnd"])
        return Response({**_detail(view), "webhookSecret": ""})  # answers of writes are kept


def _summary(view: budgets.View) -> JSON:
    budget, spending = view.budget, view.spending
    forecast = spending.forecast
    return {
        "name": budget.name,
        "scope": budget.scope,
        "namespace": budget.namespace,
        "workloadKind": budget.workload_kind,
        "workloadName": budget.workload_name,
        "period": budget.period,
        "periodStart": instants.text(spending.period_start),
        "periodEnd": None if spending.period_end is None else instants.text(spending.period_end),
        "currency": budget.currency,
        "amount": billing.plain(budget.amount),
        "spent": billing.plain(spending.spent),
        "covered": billing.plain(spending.covered),
        "perSecond": billing.plain(spending.per_second),
        "listedPerSecond": billing.plain(spending.course.listed_per_second),
        "forecast": None if forecast is None else billing.plain(forecast.quantize(billing.PLACES)),
        "thresholds": list(budget.percents),
        "crossed": list(view.crossed),
        "action": budget.action,
        "emails": list(budget.addresses),
        "webhook": budget.webhook_url,
        "state": view.state,
        "version": budget.version,
    }


def _detail(view: budgets.View) -> JSON:
    return {
        **_summary(view),
        "webhookSecret": view.webhook_secret,
        "resumeAtEnd": view.budget.resume_at_end,
        "suspended": [
            {"kind": one.kind, "namespace": one.namespace, "name": one.name, "replicas": one.replicas}
            for one in view.suspended
        ],
        "history": [
            {
                "threshold": one.threshold,
                "at": instants.text(one.at),
                "spent": billing.plain(one.spent),
                "amount": billing.plain(one.amount),
                "lapsed": one.lapsed,
                "done": one.acted,
                "deliveries": [
                    {
                        "id": str(told.pk),
                        "channel": told.channel,
                        "target": told.target,
                        "state": told.state,
                        "attempts": told.attempts,
                        "message": told.said,
                    }
                    for told in one.deliveries.all()
                ],
            }
            for one in view.history
        ],
    }
