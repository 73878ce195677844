"""Answers about the price list and the calculator."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import Paged, PriceAnswer, RateAnswer, money, names

JSON = dict[str, Any]


class PriceEntryAnswer(serializers.Serializer[JSON]):
    """`amount` a second for one core (vcpu), GiB (memory) or card, from `effectiveFrom` until `until`."""

    id = serializers.IntegerField()
    region = serializers.CharField()
    item = serializers.CharField()
    flavor = serializers.CharField(help_text="Empty: every flavor without a price of its own.")
    currency = serializers.CharField()
    amount = money()
    effectiveFrom = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True, help_text="null while none follows.")
    state = serializers.ChoiceField(choices=["past", "in force", "coming"])


class PricesAnswer(Paged):
    items = PriceEntryAnswer(many=True)
    regions = names(help_text="Those that have prices, this installation's first.")


class ShiftAnswer(serializers.Serializer[JSON]):
    """null where there is no price."""

    before = RateAnswer(allow_null=True)
    after = RateAnswer(allow_null=True)


class AccountEffectAnswer(ShiftAnswer):
    account = serializers.CharField()
    pods = serializers.IntegerField()


class SizeEffectAnswer(ShiftAnswer):
    flavor = serializers.CharField()
    specification = serializers.CharField()


class EffectAnswer(ShiftAnswer):
    """What the pods that run now cost now (`before`), and would cost at `at` (`after`)."""

    region = serializers.CharField()
    at = serializers.DateTimeField()
    pods = serializers.IntegerField()
    accounts = AccountEffectAnswer(many=True)
    specifications = SizeEffectAnswer(many=True)


class ImportAnswer(serializers.Serializer[JSON]):
    added = serializers.IntegerField()
    replaced = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    effects = EffectAnswer(many=True)


class LaterAnswer(serializers.Serializer[JSON]):
    at = serializers.DateTimeField()
    price = RateAnswer()


class QuoteAnswer(serializers.Serializer[JSON]):
    """`price` when the pods start; `total` of the whole duration, with the prices that begin meanwhile (`later`)."""

    region = serializers.CharField()
    flavor = serializers.CharField()
    specification = serializers.CharField()
    pods = serializers.IntegerField()
    starts = serializers.DateTimeField()
    seconds = serializers.IntegerField()
    price = PriceAnswer()
    total = money()
    later = LaterAnswer(many=True)
