"""Answers about budgets and balances."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import Paged, ReferenceAnswer, money, names

JSON = dict[str, Any]


class BalanceAnswer(serializers.Serializer[JSON]):
    """`left` shrinks by `perSecond` while the same pods run. Money is null of a post-paid account."""

    account = serializers.CharField()
    currency = serializers.CharField()
    prepaid = serializers.BooleanField()
    state = serializers.ChoiceField(choices=["post-paid", "paid", "arrears", "frozen"])
    credits = money(allow_null=True)
    spent = money(allow_null=True)
    covered = money(allow_null=True, help_text="What resource packages paid beside `spent`.")
    left = money(allow_null=True)
    perSecond = money(allow_null=True)
    usedUp = serializers.DateTimeField(allow_null=True, help_text="If everything runs on.")
    graceEnds = serializers.DateTimeField(allow_null=True, help_text="When an account in arrears is frozen.")


class CreditAnswer(serializers.Serializer[JSON]):
    id = serializers.UUIDField()
    account = serializers.CharField()
    amount = money()
    currency = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    by = serializers.CharField()
    at = serializers.DateTimeField()


class CreditsAnswer(Paged):
    items = CreditAnswer(many=True)


class BudgetAnswer(serializers.Serializer[JSON]):
    """`spent` grows by `perSecond` while the same pods run; `forecast` is what it comes to at the end of the period.
    Both are what is left to pay; `covered` is what resource packages paid beside it."""

    name = serializers.CharField()
    scope = serializers.ChoiceField(choices=["account", "namespace", "workload"])
    namespace = serializers.CharField(allow_blank=True)
    workloadKind = serializers.CharField(allow_blank=True)
    workloadName = serializers.CharField(allow_blank=True)
    period = serializers.ChoiceField(choices=["monthly", "daily", "total"])
    periodStart = serializers.DateTimeField()
    periodEnd = serializers.DateTimeField(allow_null=True, help_text="Null of a total.")
    currency = serializers.CharField()
    amount = money()
    spent = money()
    covered = money()
    perSecond = money()
    listedPerSecond = money(help_text="At the list's price, before packages.")
    forecast = money(allow_null=True)
    thresholds = serializers.ListField(child=serializers.IntegerField())
    crossed = serializers.ListField(child=serializers.IntegerField(), help_text="Thresholds, in this period.")
    action = serializers.ChoiceField(choices=["notify", "stop", "suspend"])
    emails = names()
    webhook = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=["fine", "near", "over", "stopped", "suspended", "resuming"])
    version = serializers.IntegerField()


class BudgetsAnswer(Paged):
    items = BudgetAnswer(many=True)


class SuspendedAnswer(ReferenceAnswer):
    replicas = serializers.IntegerField(allow_null=True, help_text="Before; null of Jobs and CronJobs.")


class DeliveryAnswer(serializers.Serializer[JSON]):
    id = serializers.UUIDField(help_text="The header CCI-Delivery of a webhook: the same however often it is tried.")
    channel = serializers.ChoiceField(choices=["webhook", "email"])
    target = serializers.CharField()
    state = serializers.ChoiceField(choices=["pending", "delivered", "failed"])
    attempts = serializers.IntegerField()
    message = serializers.CharField(allow_blank=True)


class CrossingAnswer(serializers.Serializer[JSON]):
    threshold = serializers.IntegerField()
    at = serializers.DateTimeField()
    spent = money()
    amount = money()
    lapsed = serializers.BooleanField(help_text="The amount was changed afterwards: it can be crossed again.")
    done = serializers.BooleanField(help_text="Whether what follows from it has been done.")
    deliveries = DeliveryAnswer(many=True)


class OneBudgetAnswer(BudgetAnswer):
    webhookSecret = serializers.CharField(allow_blank=True, help_text="For whoever may change the budget.")
    resumeAtEnd = serializers.BooleanField()
    suspended = SuspendedAnswer(many=True)
    history = CrossingAnswer(many=True)
