"""Answers about statements, usage and resource packages."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import Paged, money, names

JSON = dict[str, Any]


class MonthAnswer(serializers.Serializer[JSON]):
    month = serializers.CharField()
    state = serializers.ChoiceField(choices=["open", "closing", "closed"], help_text="A closed month never changes.")
    currency = serializers.CharField()
    billed = money()
    seconds = serializers.IntegerField()
    lines = serializers.IntegerField()


class BillsAnswer(Paged):
    items = MonthAnswer(many=True)


class WorkloadAnswer(serializers.Serializer[JSON]):
    kind = serializers.CharField()
    name = serializers.CharField()
    uid = serializers.CharField()


class BillLineAnswer(serializers.Serializer[JSON]):
    """One workload at one size and price. `billed` is `listed` less `covered`, rounded half up to four places."""

    id = serializers.UUIDField()
    namespace = serializers.CharField()
    workload = WorkloadAnswer()
    region = serializers.CharField()
    flavor = serializers.CharField()
    cpuMillis = serializers.IntegerField()
    memoryMiB = serializers.IntegerField()
    gpu = serializers.CharField(allow_blank=True)
    gpus = serializers.IntegerField()
    activity = serializers.ChoiceField(choices=["pull", "run"], help_text="pull: before the pod had started.")
    project = serializers.CharField()
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True))
    corrects = serializers.CharField(allow_null=True, help_text="The closed month it corrects.")
    seconds = serializers.IntegerField()
    perSecond = money()
    currency = serializers.CharField()
    listed = money(help_text="At the list's price.")
    covered = money(help_text="Paid by resource packages.")
    billed = money()


class BillAnswer(Paged):
    """`billed` is the sum of the lines as they are shown. `hidden` lines are of namespaces the caller may not see; no
    sum counts them."""

    account = serializers.CharField()
    period = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=["open", "closing", "closed"])
    closed = serializers.DateTimeField(allow_null=True)
    currency = serializers.CharField()
    listed = money()
    covered = money()
    billed = money()
    seconds = serializers.IntegerField()
    lines = serializers.IntegerField()
    hidden = serializers.IntegerField()
    items = BillLineAnswer(many=True)


class DayLineAnswer(BillLineAnswer):
    day = serializers.DateField()


class UsageAnswer(Paged):
    items = DayLineAnswer(many=True)


class FocusAnswer(Paged):
    items = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(allow_null=True, allow_blank=True)),
        help_text="By FOCUS' column names; those of our own begin with x_.",
    )


class ProofAnswer(serializers.Serializer[JSON]):
    proven = serializers.BooleanField()
    pods = serializers.IntegerField()
    segments = serializers.IntegerField()
    seconds = serializers.IntegerField()
    listed = money()
    differences = names()


class PackageAnswer(serializers.Serializer[JSON]):
    """`used` and `left` are of this month where it begins anew each month."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    item = serializers.ChoiceField(choices=["vcpu", "memory"], help_text="vcpu: core-hours; memory: GiB-hours.")
    hours = money()
    used = money()
    left = money()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    monthly = serializers.BooleanField()
    nextReset = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(choices=["coming", "in force", "used up", "over"])


class PackagesAnswer(Paged):
    items = PackageAnswer(many=True)


class GrantAnswer(serializers.Serializer[JSON]):
    id = serializers.IntegerField()
    account = serializers.CharField()
    name = serializers.CharField()
