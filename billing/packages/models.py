"""A package, and what closed months have used of it. Instants as in `billing.instants`; `units` as in `covering`."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from billing import instants


class Package(models.Model):
    """`units` of `item` for `account` in [starts, ends), full hours; `monthly`: anew each month. Earlier rows were
    bought earlier. It was bought until `expires`; `ends` is earlier when the operator ended it. Nothing else of it ever
    changes."""

    class Item(models.TextChoices):
        VCPU = "vcpu", "core-hours"
        MEMORY = "memory", "GiB-hours"

    account = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    item = models.CharField(max_length=8, choices=Item.choices)
    units = models.BigIntegerField()
    starts = models.BigIntegerField()
    ends = models.BigIntegerField()
    expires = models.BigIntegerField()
    monthly = models.BooleanField(default=False)
    granted = models.DateTimeField()
    granted_by = models.CharField(max_length=200)

    class Meta:
        indexes = (models.Index(fields=("account", "ends"), name="package_of_account"),)

    def __str__(self) -> str:
        return f"{self.name} of {self.account}"

    @property
    def begins(self) -> datetime:
        return instants.moment(self.starts)

    @property
    def is_over_at(self) -> datetime:
        return instants.moment(self.ends)


class PackageUse(models.Model):
    """What a month that is closed took of a package. Written with the month's statement."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="uses")
    month = models.BigIntegerField()
    units = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("package", "month"), name="package_use_of_month"),)

    def __str__(self) -> str:
        return f"{self.package_id} in {self.month}: {self.units}"
