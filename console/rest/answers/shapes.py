"""What answers of several subjects have in common."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

JSON = dict[str, Any]
AMOUNT = r"^-?\d+(\.\d+)?$"


def money(**rest: Any) -> serializers.RegexField:
    """An exact decimal as text, without an exponent."""
    return serializers.RegexField(AMOUNT, **rest)


def names(**rest: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **rest)


class Paged(serializers.Serializer[JSON]):
    """One page of a list (`console.rest.paging`)."""

    def get_fields(self) -> dict[str, Any]:
        token = serializers.CharField(allow_null=True, help_text="Of the next page; null on the last one.")
        return {**super().get_fields(), "continue": token}


class ReferenceAnswer(serializers.Serializer[JSON]):
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()


class RateAnswer(serializers.Serializer[JSON]):
    """A month has 30 days."""

    currency = serializers.CharField()
    perSecond = money()
    perHour = money()
    perMonth = money()


class PriceAnswer(RateAnswer):
    """A month has 30 days."""

    perDay = money()
