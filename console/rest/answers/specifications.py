"""Answers about the grid of pod specifications."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import Paged, RateAnswer

JSON = dict[str, Any]


class OfferAnswer(serializers.Serializer[JSON]):
    annotation = serializers.CharField(help_text="The value of resource.cci.io/pod-size-specs.")
    words = serializers.CharField()
    cpuMillis = serializers.IntegerField()
    memoryGiB = serializers.IntegerField()
    gpu = serializers.CharField(required=False)
    gpus = serializers.IntegerField(required=False)
    price = RateAnswer()


class PodSpecificationsAnswer(serializers.Serializer[JSON]):
    containers = serializers.DictField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    offers = OfferAnswer(many=True)


class SpecificationRowAnswer(serializers.Serializer[JSON]):
    """Cores and GiB, from the least to the most; counted from `effectiveFrom` until `until`."""

    id = serializers.IntegerField(help_text="0 of the default grid, where the table is empty.")
    flavor = serializers.CharField()
    cpu = serializers.CharField(help_text="Such as 0.25-32; 48 for exactly that.")
    step = serializers.CharField(help_text="Cores between two sizes.")
    memory = serializers.CharField(help_text="Such as 1-512.")
    ratio = serializers.CharField(allow_blank=True, help_text="GiB per core, such as 2-8; empty for any.")
    gpu = serializers.CharField(allow_blank=True)
    gpus = serializers.CharField(allow_blank=True)
    effectiveFrom = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(choices=["past", "in force", "coming"])


class SpecificationRowsAnswer(Paged):
    items = SpecificationRowAnswer(many=True)


class PricedSizeAnswer(serializers.Serializer[JSON]):
    specification = serializers.CharField()
    price = RateAnswer(allow_null=True, help_text="null where it has none.")


class GoneSizeAnswer(serializers.Serializer[JSON]):
    flavor = serializers.CharField()
    specification = serializers.CharField()
    pods = serializers.IntegerField(help_text="That run now.")


class GridEffectAnswer(serializers.Serializer[JSON]):
    """`sizes`: common ones of the new row. `gone`: of running pods, what could not be had any more; they run on."""

    sizes = PricedSizeAnswer(many=True)
    gone = GoneSizeAnswer(many=True)
