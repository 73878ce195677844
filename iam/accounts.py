"""What an account has chosen for itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import transaction

from iam import audit, sql
from iam.audit import Target
from iam.errors import NotAdministrator, WrongFields
from iam.identities import Identity
from iam.models import Account

CHANGE = "cci:account:update"
"""The action of changing any of it."""
GENERAL_COMPUTING = "general-computing"
OFF_GRID = ("", "refuse", "round")


@dataclass(frozen=True)
class Choices:
    off_grid: str = ""
    """What becomes of a pod off the specification grid: `refuse`, `round`; "" is as the installation has it."""
    default_flavor: str = GENERAL_COMPUTING
    """Of namespaces that name none; "": they must name one."""
    price_warnings: bool = True


def choices(name: str) -> Choices:
    """The defaults where there is no such account."""
    found = Account.objects.filter(name=name).values("off_grid", "default_flavor", "price_warnings").first()
    return Choices(**found) if found else Choices()


def choose(by: Identity, wanted: Choices) -> None:
    """In the audit trail, with what it was before. Raises NotAdministrator, WrongFields."""
    target = Target("Account", by.account)
    if not by.may(CHANGE):
        audit.record(by, CHANGE, target, outcome="denied")
        refusal = NotAdministrator(CHANGE)
        refusal.is_recorded = True
        raise refusal
    wrong = {}
    if wanted.off_grid not in OFF_GRID:
        wrong["off_grid"] = "must be refuse or round, or empty for what the installation does"
    if wanted.default_flavor not in ("", GENERAL_COMPUTING):
        wrong["default_flavor"] = f"must be {GENERAL_COMPUTING}, or empty for none"
    if wrong:
        raise WrongFields(wrong)
    with transaction.atomic():
        before = choices(by.account)
        Account.objects.filter(name=by.account).update(**asdict(wanted))
        if changes := audit.difference(asdict(before), asdict(wanted)):
            audit.record(by, CHANGE, target, changes=changes)


def hears_prices(name: str) -> bool:
    """Whether writes are answered with what they change of the price. They are, unless the account has it off."""
    found = sql.select("SELECT price_warnings FROM iam_account WHERE name = %s", [name])
    return not found or bool(found[0][0])


def hear_prices(name: str, *, wanted: bool) -> bool:
    """False when there is no such account."""
    return Account.objects.filter(name=name).update(price_warnings=wanted) > 0
