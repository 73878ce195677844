"""Billing's tables: what things cost, what was used, and which pods run.

The ledger (`UsageSegment`) is the truth and only grows. `MeteredPod` is a projection of it, one row a pod, so that live
cost is one query over what runs; `DayTotal` another, one row a day and statement line, so that a month is a few hundred
rows whatever ran in it. Both are written in the transaction that writes the ledger, and proven against it.
`Ownership` remembers which controller made which, read from the log, so that a pod's workload has a name even after its
ReplicaSet has gone. `Statement` and `StatementLine` are months that are closed: written once, never changed.

All instants are whole microseconds since 1970, UTC (`billing.instants`).
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Never

from django.db import models

from billing.balances.models import Credit as Credit
from billing.balances.models import Purse as Purse
from billing.budgets.models import Budget as Budget
from billing.budgets.models import Crossing as Crossing
from billing.budgets.models import Delivery as Delivery
from billing.fields import AmountField
from billing.packages.models import Package as Package
from billing.packages.models import PackageUse as PackageUse
from billing.rating import Size

_SEGMENTS = uuid.UUID("0a3c5f5e-0c3b-5a53-9a52-6d8f1f0f7c11")


class AppendOnly(TypeError):
    """Somebody tried to change or remove what the ledger says."""

    def __init__(self) -> None:
        super().__init__("The ledger only grows. To take a segment back, append a correction that points at it.")


class Price(models.Model):
    """`amount` a second for one core (`vcpu`), one GiB (`memory`) or one card (by its resource name, such as
    `nvidia.com/gpu-tesla-t4`), from `effective_from` on. An empty flavor means every flavor without a price of its own.
    History stays."""

    region = models.CharField(max_length=64)
    item = models.CharField(max_length=64)
    flavor = models.CharField(max_length=32, blank=True, default="")
    currency = models.CharField(max_length=3)
    amount = AmountField()
    effective_from = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("region", "item", "flavor", "effective_from"), name="price_from"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="price_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.item} in {self.region}: {self.amount} {self.currency}/s from {self.effective_from:%F %T}"


class Sized(models.Model):
    """What has a price a second: a size in a region."""

    region = models.CharField(max_length=64)
    flavor = models.CharField(max_length=32)
    cpu_millis = models.IntegerField()
    memory_mib = models.IntegerField()
    gpu_model = models.CharField(max_length=64, blank=True, default="")
    gpu_count = models.IntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def size(self) -> Size:
        return Size(self.flavor, self.cpu_millis, self.memory_mib, self.gpu_model, self.gpu_count)


class OfWorkload(Sized):
    """What is billed, and whose it is: named alike in the ledger, its projections and statements."""

    account = models.CharField(max_length=64)
    namespace = models.CharField(max_length=63)
    workload_kind = models.CharField(max_length=64)
    workload_name = models.CharField(max_length=253)
    workload_uid = models.CharField(max_length=36)

    class Meta:
        abstract = True


class Billed(OfWorkload):
    """Of one pod: the same columns in the ledger and in its projection."""

    pod = models.CharField(max_length=253)

    class Meta:
        abstract = True

    def billed(self) -> dict[str, Any]:
        """These columns, to copy them into the other table."""
        return {field.name: getattr(self, field.name) for field in Billed._meta.local_fields}


class PricedSize(Sized):
    """A size in a region, each once: `number` follows from the other columns (`sizes.number`)."""

    number = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"{self.size} in {self.region}"


class SegmentSet(models.QuerySet["UsageSegment"]):
    def update(self, **_: Any) -> Never:
        raise AppendOnly

    def delete(self) -> Never:
        raise AppendOnly

    def bulk_update(self, *_: Any, **__: Any) -> Never:
        raise AppendOnly


class UsageSegment(Billed):
    """A span [start, end) of one pod's life at one size and price, cut at full hours and price changes.

    `id` follows from (pod uid, seq), so that metering the same life again cannot double it. A correction takes a span
    of an earlier segment back: it points at it (`corrects`) and its seconds are negative. Cost is `rate` x `seconds`.
    """

    class Activity(models.TextChoices):
        PULL = "pull", "The pod had not started yet"
        RUN = "run", "The pod had started"

    id = models.UUIDField(primary_key=True)
    pod_uid = models.CharField(max_length=36)
    seq = models.IntegerField()
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    seconds = models.IntegerField()
    currency = models.CharField(max_length=3)
    rate = AmountField()
    activity = models.CharField(max_length=4, choices=Activity.choices)
    estimated = models.BooleanField(default=False)
    corrects = models.UUIDField(null=True, blank=True)
    day_total = models.UUIDField(null=True)
    """The `DayTotal` it is counted in, which says in which month it is billed."""
    revision = models.BigIntegerField()
    recorded = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[UsageSegment]] = models.Manager.from_queryset(SegmentSet)()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("pod_uid", "seq"), name="segment_of_pod"),)
        indexes = (
            models.Index(
                fields=("account", "start", "namespace", "workload_uid", "rate", "seconds"), name="segment_account"
            ),
            models.Index(fields=("workload_uid", "start"), name="segment_workload"),
            models.Index(fields=("day_total",), name="segment_day_total"),
        )

    def __str__(self) -> str:
        return f"{self.pod_uid}/{self.seq}: {self.seconds} s"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise AppendOnly

    @staticmethod
    def id_of(pod_uid: str, seq: int) -> uuid.UUID:
        return uuid.uuid5(_SEGMENTS, f"{pod_uid}/{seq}")


class MeteredPod(Billed):
    """One pod the meter has seen start. `finished` is null while it runs.

    The ledger covers [started, settled_until) and says `accrued` for it; what comes after is live cost. `revision` is
    the newest log entry that changed this row: older ones have nothing to say any more. `evidence` keeps the pod's own
    marks and container ids, so that the bill can be recomputed when the log has been trimmed. `label_set` and `project`
    are the pod's own and its namespace's when it started: what is relabelled later stays billed as it began.
    """

    uid = models.CharField(max_length=36, primary_key=True)
    priced_size = models.BigIntegerField()
    """The number of its `PricedSize`."""
    started = models.BigIntegerField()
    ran = models.BigIntegerField(null=True)
    finished = models.BigIntegerField(null=True)
    estimated = models.BooleanField(default=False)
    currency = models.CharField(max_length=3)
    rate_at_start = AmountField()
    settled_until = models.BigIntegerField()
    accrued = AmountField(default=0)
    next_seq = models.IntegerField(default=0)
    revision = models.BigIntegerField()
    evidence = models.TextField(default="{}")
    label_set = models.CharField(max_length=40, blank=True, default="")
    project = models.CharField(max_length=64, default="0")
    lost = models.BooleanField(default=False)
    """Its host is not heard of any more: `finished` is where it was heard last (`billing.lost`)."""
    free_pull = models.BooleanField(default=False)
    """Whether a pull that never leads to a start is free (`CCI_BILL_FAILED_PULLS`), as was in force when it began."""

    class Meta:
        indexes = (
            models.Index(
                fields=("account", "namespace"), name="metered_running", condition=models.Q(finished__isnull=True)
            ),
            models.Index(
                fields=("settled_until",), name="metered_unsettled", condition=models.Q(finished__isnull=True)
            ),
            models.Index(fields=("uid",), name="metered_lost", condition=models.Q(lost=True)),
            models.Index(fields=("account", "revision"), name="metered_of_account"),
            models.Index(
                fields=("account", "workload_uid"),
                name="metered_of_workload",
                condition=models.Q(finished__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod} ({self.uid})"

    @property
    def is_free(self) -> bool:
        """So far: once it has started, it is billed from its pull on."""
        return self.free_pull and self.ran is None


class Ownership(models.Model):
    """`uid` is controlled by the object of these names; read from the log when it was made."""

    uid = models.CharField(max_length=36, primary_key=True)
    account = models.CharField(max_length=64)
    owner_kind = models.CharField(max_length=64)
    owner_name = models.CharField(max_length=253)
    owner_uid = models.CharField(max_length=36)

    def __str__(self) -> str:
        return f"{self.uid} belongs to {self.owner_kind} {self.owner_name}"


class LabelSet(models.Model):
    """The labels of pods, each set once: a JSON object, named by its digest (`daytotals.digest`)."""

    digest = models.CharField(max_length=40, primary_key=True)
    labels = models.TextField()

    def __str__(self) -> str:
        return self.labels


class Bought(OfWorkload):
    """What one line of a statement is about: everything but the day and the sum. Of `rate`, `vcpu_rate` is what the
    cores and `memory_rate` what the GiB cost, the rest are cards. `label_set` is the digest of a `LabelSet`.
    `corrects_month` is the closed month whose seconds it takes back or adds; 0 for what is billed in its own month."""

    currency = models.CharField(max_length=3)
    rate = AmountField()
    vcpu_rate = AmountField()
    memory_rate = AmountField()
    activity = models.CharField(max_length=4)
    project = models.CharField(max_length=64)
    label_set = models.CharField(max_length=40, blank=True, default="")
    corrects_month = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class DayTotal(Bought):
    """The seconds of one statement line on one day (`day`: midnight UTC): the sum of the segments that point here.
    `id` follows from all other columns but the sums (`daytotals.Key`)."""

    id = models.UUIDField(primary_key=True)
    day = models.BigIntegerField()
    seconds = models.BigIntegerField()
    segments = models.IntegerField()

    class Meta:
        indexes = (
            models.Index(fields=("account", "day"), name="day_of_account"),
            models.Index(fields=("workload_uid", "day"), name="day_of_workload"),
        )

    def __str__(self) -> str:
        return f"{self.workload_name} on {self.day}: {self.seconds} s"


class ClosedMonth(models.Model):
    """From now on nothing is billed in `month` any more: what is heard late is billed in the month that is open."""

    month = models.BigIntegerField(primary_key=True)
    closed = models.DateTimeField()

    def __str__(self) -> str:
        return f"month from {self.month}"


class Statement(models.Model):
    """One account's closed month. Its lines are never written again."""

    account = models.CharField(max_length=64)
    month = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    listed = AmountField()
    covered = AmountField()
    billed = AmountField()
    seconds = models.BigIntegerField()
    lines = models.IntegerField()
    closed = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "month"), name="statement_of_month"),)

    def __str__(self) -> str:
        return f"{self.account}, month from {self.month}: {self.billed} {self.currency}"


class StatementLine(Bought):
    """A line of a closed month. `billed` is rounded, `listed` and `covered` are exact."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="kept_lines")
    line = models.UUIDField()
    seconds = models.BigIntegerField()
    segments = models.IntegerField()
    vcpu_covered = models.BigIntegerField(default=0)
    memory_covered = models.BigIntegerField(default=0)
    listed = AmountField()
    covered = AmountField()
    billed = AmountField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("statement", "line"), name="line_of_statement"),)

    def __str__(self) -> str:
        return f"{self.workload_name}: {self.billed}"
