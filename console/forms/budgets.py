"""A budget as it is typed. The rules are `billing.budgets`' own; here only text becomes numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from billing import client as billing
from console.forms.drafts import FieldError, Fields, text
from console.iamrefusals import spoken

_FIELDS = {"workloadKind": "workload_kind", "workloadName": "workload_name"}


@dataclass(frozen=True)
class BudgetDraft:
    name: str = ""
    scope: str = "account"
    namespace: str = ""
    workload_kind: str = "Deployment"
    workload_name: str = ""
    period: str = "monthly"
    amount: str = ""
    thresholds: str = "50, 80, 100"
    action: str = "notify"
    emails: str = ""
    webhook: str = ""
    version: str = ""

    @classmethod
    def read(cls, fields: Fields) -> BudgetDraft:
        return cls(**{name: text(fields, name, default) for name, default in vars(cls()).items()})

    @classmethod
    def of(cls, view: billing.budgets.View) -> BudgetDraft:
        budget = view.budget
        return cls(
            name=budget.name,
            scope=budget.scope,
            namespace=budget.namespace,
            workload_kind=budget.workload_kind,
            workload_name=budget.workload_name,
            period=budget.period,
            amount=f"{budget.amount.normalize():f}",
            thresholds=", ".join(map(str, budget.percents)),
            action=budget.action,
            emails=", ".join(budget.addresses),
            webhook=budget.webhook_url,
            version=str(budget.version),
        )

    def wish(self) -> billing.budgets.Wish:
        """What is no number is told as such by the rules."""
        is_of_workload = self.scope == "workload"
        return billing.budgets.Wish(
            name=self.name,
            scope=self.scope,
            namespace="" if self.scope == "account" else self.namespace,
            workload_kind=self.workload_kind if is_of_workload else "",
            workload_name=self.workload_name if is_of_workload else "",
            period=self.period,
            amount=amount(self.amount),
            thresholds=percents(self.thresholds),
            action=self.action,
            emails=tuple(dict.fromkeys(part for part in re.split(r"[\s,;]+", self.emails) if part)),
            webhook=self.webhook,
        )


def amount(typed: str) -> Decimal | None:
    """None for what is no number. People write 1,000 and 1 000."""
    plain = re.sub(r"[ ,'\u00a0](?=[0-9]{3}(?:[^0-9]|$))", "", typed)
    try:
        return Decimal(plain) if len(plain) <= 30 else None
    except InvalidOperation:
        return None


def percents(typed: str) -> tuple[int, ...]:
    """(0,), which no rule admits, where something else than numbers stands."""
    parts = [part for part in re.split(r"[\s,;%]+", typed) if part]
    return tuple(int(part) if re.fullmatch(r"[0-9]{1,4}", part) else 0 for part in parts)


def at_fields(wrong: dict[str, str]) -> list[FieldError]:
    return [FieldError(_FIELDS.get(field, field), spoken(sentence)) for field, sentence in wrong.items()]
