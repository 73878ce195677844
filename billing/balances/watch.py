"""Arrears begin when nothing is left; when the grace period is over, the account is frozen; a credit thaws it. Called
by the budgets' watcher; each step may be the last before a crash, and is done again.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import F

from billing.balances import funds
from billing.balances.funds import Funds
from billing.balances.models import Purse
from billing.budgets import actions
from billing.budgets.models import Budget
from billing.instants import Instant
from billing.money import short
from workloads.client import Client

BY = "arrears"
_REASON = "because the account is in arrears and its grace period is over"

logger = logging.getLogger(__name__)


def look(purse: Purse) -> tuple[Instant | None, int]:
    """When something will have to be done next, and how many things wait to be tried again."""
    try:
        known = funds.of(purse)
        _move(purse, known)
        purse.refresh_from_db()
    except Exception:
        logger.exception("The balance of %s could not be looked at; it is tried again.", purse)
        return None, 1
    waiting = _act(purse)
    return _ahead(purse, known), waiting


def _move(purse: Purse, known: Funds) -> None:
    """From one state to the next; whoever changes the row first has done it."""
    ends = funds.grace_ends(purse)
    if not purse.prepaid or known.left > 0:
        if purse.arrears is not None:
            _change(purse, arrears=None, frozen=None, acted=False, thawing=purse.frozen is not None)
            _tell(purse, "Normal", "ArrearsOver", "the account has money again")
    elif purse.arrears is None:
        _change(purse, arrears=known.at)
        said = f"nothing is left of the account's credits ({short(known.left)})"
        _tell(purse, "Warning", "Arrears", f"{said}; it is frozen when the grace period is over")
    elif purse.frozen is None and ends is not None and known.at >= ends:
        _change(purse, frozen=known.at, acted=False, thawing=False)
        _tell(purse, "Warning", "Frozen", "the account is frozen: what runs is suspended until it has money again")


def _act(purse: Purse) -> int:
    """Suspends, or brings back, what is still to be. Returns how many things wait."""
    door = actions.door_of(_everything(purse))
    try:
        if purse.frozen is not None and not purse.acted:
            actions.suspend_scope(door, _everything(purse), by=BY, why=_REASON)
            _change(purse, acted=True)
        if purse.thawing:
            left = actions.resume(door, by=BY, namespace=None)
            if left:
                return left
            _change(purse, thawing=False)
    except Exception:
        logger.exception("What follows from the arrears of %s could not be done; it is tried again.", purse)
        return 1
    return 0


def _ahead(purse: Purse, known: Funds) -> Instant | None:
    if not purse.prepaid or purse.frozen is not None:
        return None
    ends = funds.grace_ends(purse)
    return known.used_up if ends is None else ends


def _change(purse: Purse, **changed: Any) -> bool:
    mine = Purse.objects.filter(pk=purse.pk, version=purse.version)
    done = bool(mine.update(**changed, version=F("version") + 1))
    purse.refresh_from_db()
    return done


def _tell(purse: Purse, type_: Any, reason: str, message: str) -> None:
    door: Client = actions.door_of(_everything(purse))
    for namespace in door.list("Namespace").items:
        door.record_event(namespace, type=type_, reason=reason, message=message, component=actions.COMPONENT)


def _everything(purse: Purse) -> Budget:
    """The scope of the whole account, as budgets say it."""
    return Budget(account=purse.account, name=BY, scope=Budget.Scope.ACCOUNT)
