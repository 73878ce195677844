"""What is typed into the forms of prices: one more price, and the question of the calculator."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from billing import client as billing
from billing.client import Draft
from console.forms.drafts import FieldError, Fields, text
from workloads.client import pod_specifications
from workloads.kinds import podspecs
from workloads.kinds.grids import FLAVORS, Size, Specification
from workloads.meta.quantity import GIB

FREE = "free"
_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,7}", re.ASCII)


@dataclass(frozen=True)
class PriceDraft:
    """A price as it is typed. `begins` is what the browser's own field for a time gives, read as UTC."""

    region: str = ""
    item: str = "vcpu"
    flavor: str = ""
    currency: str = ""
    amount: str = ""
    begins: str = ""

    @classmethod
    def read(cls, fields: Fields) -> PriceDraft:
        region = text(fields, "region", settings.REGION)
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return cls(
            region=region,
            item=text(fields, "item", "vcpu"),
            flavor=text(fields, "flavor"),
            currency=text(fields, "currency") or billing.current_currency(region),
            amount=text(fields, "amount"),
            begins=text(fields, "effective_from", f"{hour:%Y-%m-%dT%H:%M}"),
        )

    @property
    def moment(self) -> datetime | None:
        try:
            found = datetime.fromisoformat(self.begins)
        except ValueError:
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def problems(self) -> list[FieldError]:
        """What cannot even be read."""
        found = []
        if not _AMOUNT.fullmatch(self.amount):
            found.append(FieldError("amount", _("Write the amount a second as a number, such as 0.00005.")))
        if self.moment is None:
            found.append(FieldError("effective_from", _("Give a day and a time, in UTC.")))
        return found

    def draft(self) -> Draft:
        """Of a draft without `problems`."""
        begins = self.moment or datetime.now(UTC)
        return Draft(self.region, self.item, self.flavor, self.currency, Decimal(self.amount), begins)


@dataclass(frozen=True)
class Question:
    """What the calculator is asked, as the address says it."""

    region: str
    flavor: str
    size: str
    cpu: str
    memory: str
    gpu: str
    gpus: str
    pods: str
    duration: str
    unit: str
    errors: tuple[FieldError, ...] = field(default=())

    @classmethod
    def read(cls, fields: Fields) -> Question:
        flavor = text(fields, "flavor")
        accelerated = flavor == podspecs.ACCELERATED
        unit = text(fields, "unit", "days")
        return cls(
            region=text(fields, "region") or settings.REGION,
            flavor=flavor if flavor in FLAVORS else podspecs.GENERAL,
            size=text(fields, "size"),
            cpu=text(fields, "cpu", "8" if accelerated else "1"),
            memory=text(fields, "memory", "32" if accelerated else "2"),
            gpu=text(fields, "gpu") if accelerated else "",
            gpus=text(fields, "gpus", "1"),
            pods=text(fields, "pods", "1"),
            duration=text(fields, "duration", "30"),
            unit=unit if unit in billing.UNITS else "days",
        )

    @property
    def is_free(self) -> bool:
        return self.size == FREE

    def problems(self) -> list[FieldError]:
        wrong = []
        if self.is_free and not _NUMBER.fullmatch(self.cpu):
            wrong.append(FieldError("cpu", _("Write cores as a number, such as 1.5.")))
        if self.is_free and not _NUMBER.fullmatch(self.memory):
            wrong.append(FieldError("memory", _("Write GiB as a number, such as 4.")))
        if self.is_free and self.gpu and not _WHOLE.fullmatch(self.gpus):
            wrong.append(FieldError("gpus", _("Write the number of cards, such as 1.")))
        if not _WHOLE.fullmatch(self.pods) or int(self.pods) > billing.MOST_PODS:
            most = f"{billing.MOST_PODS:,}"
            wrong.append(FieldError("pods", _("Write how many pods, %(most)s at most.") % {"most": most}))
        if not _NUMBER.fullmatch(self.duration) or self.span > billing.LONGEST:
            most = str(billing.LONGEST.days)
            wrong.append(FieldError("duration", _("Write how long, %(most)s days at most.") % {"most": most}))
        return wrong

    @property
    def span(self) -> timedelta:
        seconds = Decimal(self.duration) * billing.UNITS[self.unit] if _NUMBER.fullmatch(self.duration) else Decimal(0)
        return timedelta(microseconds=int(min(seconds, Decimal(10**10)) * 1_000_000))

    def asked(self, offered: list[Specification]) -> Size:
        """Of a question without `problems`: the size that was picked, the first one offered when none was."""
        if self.is_free:
            gpus = int(self.gpus) if self.gpu else 0
            return Size(int(Decimal(self.cpu) * 1000), int(Decimal(self.memory) * GIB), self.gpu, gpus)
        chosen = next((one for one in offered if value_of(one) == self.size), None)
        return (chosen or offered[0]).size()


def value_of(specification: Specification) -> str:
    """`2.00_4.0`, with cards `8.00_32.0_nvidia.com/gpu-tesla-t4_1`: how a size stands in the address."""
    cards = specification.gpu_annotation()
    return f"{specification.annotation()}_{cards}" if cards else specification.annotation()


def cards_of(flavor: str) -> list[str]:
    """The cards of the grid."""
    return sorted({row.gpu for row in pod_specifications().of(flavor) if row.gpu})
