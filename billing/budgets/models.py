"""A budget, the thresholds it has crossed, and what it has suspended. Instants as in `billing.instants`."""

from __future__ import annotations

import uuid

from django.db import models

from billing.fields import AmountField


class Budget(models.Model):
    """`amount` may be spent in each `period` on what is in scope: the account, with `namespace` one namespace, with
    `workload_kind` and `workload_name` one workload of it.

    A total begins at `counted_from`, a midnight; what was spent since then before the budget was made is `opening`.
    Who is told: `emails`, one a line, and `webhook_url`, signed with `webhook_secret` (sealed by `iam.vault`).
    `version` grows with every change. `suspended` is when the budget suspended what it speaks of; while `resuming`, it
    is bringing that back; with `resume_at_end` it will when the period is over.
    """

    class Scope(models.TextChoices):
        ACCOUNT = "account"
        NAMESPACE = "namespace"
        WORKLOAD = "workload"

    class Period(models.TextChoices):
        MONTHLY = "monthly"
        DAILY = "daily"
        TOTAL = "total"

    class Action(models.TextChoices):
        NOTIFY = "notify"
        STOP = "stop"
        SUSPEND = "suspend"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account = models.CharField(max_length=64)
    name = models.CharField(max_length=63)
    scope = models.CharField(max_length=9, choices=Scope.choices)
    namespace = models.CharField(max_length=63, blank=True, default="")
    workload_kind = models.CharField(max_length=64, blank=True, default="")
    workload_name = models.CharField(max_length=253, blank=True, default="")
    period = models.CharField(max_length=7, choices=Period.choices)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    thresholds = models.CharField(max_length=64, default="50,80,100")
    action = models.CharField(max_length=7, choices=Action.choices)
    emails = models.TextField(blank=True, default="")
    webhook_url = models.CharField(max_length=500, blank=True, default="")
    webhook_secret = models.CharField(max_length=200, blank=True, default="")
    counted_from = models.BigIntegerField()
    opening = AmountField(default=0)
    suspended = models.BigIntegerField(null=True)
    resuming = models.BooleanField(default=False)
    resume_at_end = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "name"), name="budget_name"),)

    def __str__(self) -> str:
        return f"{self.account}/{self.name}"

    @property
    def percents(self) -> tuple[int, ...]:
        """Ascending; the last step before nothing is left, 100, is always one of them."""
        return tuple(sorted({100, *(int(one) for one in self.thresholds.split(",") if one)}))

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(self.emails.split())

    @property
    def columns(self) -> dict[str, str]:
        """What a line of the ledger must say to be of this budget."""
        of = {"account": self.account}
        if self.scope != self.Scope.ACCOUNT:
            of["namespace"] = self.namespace
        if self.scope == self.Scope.WORKLOAD:
            of |= {"workload_kind": self.workload_kind, "workload_name": self.workload_name}
        return of

    @property
    def is_cap(self) -> bool:
        """Whether more pods are refused when it is used up."""
        return self.action != self.Action.NOTIFY


class Crossing(models.Model):
    """A budget has spent `threshold` percent of its amount, in the period that began at `period_start`. There is one of
    it, however often one looks. A raised amount makes it `lapsed`: the threshold is still to be crossed again.

    `acted` says that everything which follows from it has been done.
    """

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="crossings")
    period_start = models.BigIntegerField()
    threshold = models.IntegerField()
    at = models.BigIntegerField()
    spent = AmountField()
    amount = AmountField()
    action = models.CharField(max_length=7, choices=Budget.Action.choices)
    acted = models.BooleanField(default=False)
    lapsed = models.BooleanField(default=False)
    read = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("budget", "period_start", "threshold"),
                name="crossing_once",
                condition=models.Q(lapsed=False),
            ),
        )
        indexes = (models.Index(fields=("acted",), name="crossing_to_do", condition=models.Q(acted=False)),)

    def __str__(self) -> str:
        return f"{self.budget_id}: {self.threshold} %"


class Delivery(models.Model):
    """A crossing that is told somewhere: written with the crossing, and tried until it is there or given up. `said` is
    what the other side answered last. A receiver may hear one twice (the answer can be lost): `id` stays the same."""

    class Channel(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email"

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    crossing = models.ForeignKey(Crossing, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=7, choices=Channel.choices)
    target = models.CharField(max_length=500)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    attempts = models.IntegerField(default=0)
    next_try = models.BigIntegerField()
    said = models.CharField(max_length=300, blank=True, default="")
    done = models.BigIntegerField(null=True)

    class Meta:
        indexes = (models.Index(fields=("next_try",), name="delivery_due", condition=models.Q(state="pending")),)

    def __str__(self) -> str:
        return f"{self.channel} to {self.target}"
