"""Answers about what runs: what it costs, and what the account has chosen to hear of that."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import RateAnswer, money

JSON = dict[str, Any]


class MeterAnswer(serializers.Serializer[JSON]):
    """cost(t) = accrued + rate.perSecond x whole seconds from asOf to t, while running."""

    rate = RateAnswer()
    accrued = money()
    asOf = serializers.DateTimeField()
    running = serializers.BooleanField()
    seconds = serializers.IntegerField(help_text="Billed seconds behind `accrued`.")


class CostAnswer(MeterAnswer):
    pods = serializers.DictField(child=MeterAnswer(), help_text="Of each running pod by its uid, its whole life.")


class SegmentAnswer(serializers.Serializer[JSON]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    seconds = serializers.IntegerField()
    activity = serializers.ChoiceField(choices=["pull", "run"])
    open = serializers.BooleanField(help_text="Not written to the ledger yet.")


class PodCostAnswer(MeterAnswer):
    segments = SegmentAnswer(many=True)


class SettingsAnswer(serializers.Serializer[JSON]):
    priceWarnings = serializers.BooleanField()
