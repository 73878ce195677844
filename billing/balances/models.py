"""A prepaid account and its credits. Instants as in `billing.instants`."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Never

from django.db import models

from billing.fields import AmountField


class CreditsOnlyGrow(TypeError):
    """Somebody tried to change or remove a credit."""

    def __init__(self) -> None:
        super().__init__("Credits only grow. To take one back, add another with a negative amount.")


class Purse(models.Model):
    """An account that is, or was, prepaid. Cost counts from `since`, a midnight, less `opening`: what was used of that
    day before. `used` is what earlier times of prepaying have used.

    `arrears` is when nothing was left; `frozen` when the grace period was over. `acted` says that everything was
    suspended then. While `thawing`, it is brought back. `version` grows with every change.
    """

    account = models.CharField(max_length=64, primary_key=True)
    prepaid = models.BooleanField(default=True)
    since = models.BigIntegerField()
    opening = AmountField(default=0)
    used = AmountField(default=0)
    arrears = models.BigIntegerField(null=True)
    frozen = models.BigIntegerField(null=True)
    acted = models.BooleanField(default=False)
    thawing = models.BooleanField(default=False)
    version = models.IntegerField(default=1)

    def __str__(self) -> str:
        return self.account


class CreditSet(models.QuerySet["Credit"]):
    def update(self, **_: Any) -> Never:
        raise CreditsOnlyGrow

    def delete(self) -> Never:
        raise CreditsOnlyGrow

    def bulk_update(self, *_: Any, **__: Any) -> Never:
        raise CreditsOnlyGrow


class Credit(models.Model):
    """Money that an account was given; negative where some was taken back. `by` is who of the operator's account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account = models.CharField(max_length=64)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=250, blank=True, default="")
    by = models.CharField(max_length=200)
    at = models.BigIntegerField()

    objects: ClassVar[models.Manager[Credit]] = models.Manager.from_queryset(CreditSet)()

    class Meta:
        indexes = (models.Index(fields=("account", "at"), name="credit_of_account"),)

    def __str__(self) -> str:
        return f"{self.account}: {self.amount} {self.currency}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise CreditsOnlyGrow
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise CreditsOnlyGrow
