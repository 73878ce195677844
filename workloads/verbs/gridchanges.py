"""The grid of pod specifications as the operator changes it: each change with its entry in the operator's audit trail.

Everybody may look: pods are judged by it. Only `iam.operators` may change it.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from iam import audit, operators
from iam.audit import Target
from iam.errors import NotOperator
from iam.identities import Identity
from workloads.admission import grid
from workloads.admission.grid import Numbered
from workloads.kinds import gridtexts
from workloads.kinds.grids import Grid, Row

CREATE, UPDATE, DELETE = "cci:podspecification:create", "cci:podspecification:update", "cci:podspecification:delete"
_KIND = "PodSpecification"


def admit(by: Identity, action: str) -> None:
    """For doors that tell first who may not. What is denied is in the audit trail of who asked. Raises NotOperator."""
    try:
        operators.admit(by, action)
    except NotOperator as refusal:
        audit.record(by, action, Target(_KIND), outcome="denied", message=refusal.message)
        refusal.is_recorded = True
        raise


def add(by: Identity, row: Row, *, since: datetime | None = None) -> Numbered:
    """Raises NotOperator, GridRefused."""
    admit(by, CREATE)
    with transaction.atomic():
        made = grid.add(row, since=since)
        _note(by, CREATE, made.number, {}, told(made))
    return made


def change(by: Identity, number: int, row: Row, *, since: datetime | None = None) -> Numbered:
    """Another row in the place of this one. Raises NotOperator, NoSuchRow, GridRefused."""
    admit(by, UPDATE)
    with transaction.atomic():
        before = grid.found(number)
        made = grid.change(number, row, since=since)
        _note(by, UPDATE, number, told(before), told(made))
    return made


def remove(by: Identity, number: int, *, since: datetime | None = None) -> Row:
    """Ends a row, or withdraws a coming one. Raises NotOperator, NoSuchRow, GridRefused."""
    admit(by, DELETE)
    with transaction.atomic():
        before = grid.found(number)
        row = grid.remove(number, since=since)
        _note(by, DELETE, number, told(before), {} if since is None else {"until": since.isoformat()})
    return row


def keep(by: Identity, number: int) -> Row:
    """Takes back that a row will end. Raises NotOperator, NoSuchRow, GridRefused."""
    admit(by, UPDATE)
    with transaction.atomic():
        before = grid.found(number)
        row = grid.keep(number)
        _note(by, UPDATE, number, told(before), told(grid.found(number)))
    return row


def replace(by: Identity, new: Grid) -> None:
    """All of it at once. Raises NotOperator, GridRefused."""
    admit(by, UPDATE)
    with transaction.atomic():
        before = {str(one.row) for one in grid.numbered()}
        grid.replace(new)
        after = {str(row) for row in new.rows}
        changes = [{"path": one, "before": "in force"} for one in sorted(before - after)]
        changes += [{"path": one, "after": "in force"} for one in sorted(after - before)]
        audit.record(by, UPDATE, Target(_KIND, "all"), changes=changes)


place = grid.place
"""Where a row stands among all that were, are and will be."""


def host() -> Identity:
    """Who works on the host itself, by a command."""
    return Identity(settings.OPERATOR_ACCOUNT, "manage.py", actions=("cci:*:*", "iam:*:*"))


def told(one: Numbered) -> dict[str, str]:
    """A row with its times, as people write it."""
    times = {"since": one.since.isoformat(), "until": one.until.isoformat() if one.until else ""}
    return {name: value for name, value in (gridtexts.fields_of(one.row) | times).items() if value}


def _note(by: Identity, action: str, number: int, before: dict[str, str], after: dict[str, str]) -> None:
    audit.record(by, action, Target(_KIND, str(number)), changes=audit.difference(before, after))
