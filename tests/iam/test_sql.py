"""Plain statements run where Django's do: in its transactions, with its errors."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext

from iam import sql
from iam.models import Account

pytestmark = pytest.mark.django_db

_MADE = "INSERT INTO iam_auditstart (account, digest) VALUES (%s, %s)"
_ALL = "SELECT account, digest FROM iam_auditstart WHERE account = %s"


def test_what_a_transaction_takes_back_is_gone() -> None:
    with pytest.raises(LookupError), transaction.atomic():
        assert sql.execute(_MADE, ["acme", "x"]) == 1
        assert sql.select(_ALL, ["acme"]) == [("acme", "x")]
        raise LookupError

    assert sql.select(_ALL, ["acme"]) == []


def test_what_the_orm_wrote_is_seen() -> None:
    Account.objects.create(name="acme")

    assert sql.select("SELECT name FROM iam_account WHERE name = %s", ["acme"]) == [("acme",)]


def test_errors_are_djangos() -> None:
    sql.execute(_MADE, ["acme", "x"])

    with pytest.raises(IntegrityError), transaction.atomic():
        sql.execute(_MADE, ["acme", "y"])
    with pytest.raises((OperationalError, ProgrammingError)), transaction.atomic():
        sql.select("SELECT nothing FROM nowhere")


def test_who_counts_statements_counts_these() -> None:
    with CaptureQueriesContext(connection) as captured:
        sql.select(_ALL, ["acme"])

    assert len(captured) == 1
