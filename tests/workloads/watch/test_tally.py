"""Counts that are led by the log are those of the store, whatever was written, by whom, and whatever the log forgot."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from tests.workloads.store.drafts import draft
from workloads.store import changes, objects
from workloads.watch.tally import Tally

pytestmark = pytest.mark.django_db(transaction=True)

KINDS, SPACES, ACCOUNTS = ("Pod", "Job"), ("shop", "test"), ("acme", "other")


def agrees(tally: Tally) -> bool:
    return all(
        tally.count(kind, account=account, namespace=space) == objects.count(kind, account=account, namespace=space)
        for kind in KINDS
        for account in ACCOUNTS
        for space in (*SPACES, None)
    )


def test_after_any_story_the_counts_are_the_stores() -> None:
    tally, chance = Tally(), random.Random(7)
    there: list[objects.Row] = []
    for number in range(120):
        if there and chance.random() < 0.4:
            gone = there.pop(chance.randrange(len(there)))
            last = draft(gone.key.name, kind=gone.key.kind, account=gone.key.account, namespace=gone.key.namespace)
            objects.remove(last, expected_revision=gone.revision)
        else:
            place = {"kind": chance.choice(KINDS), "account": chance.choice(ACCOUNTS)}
            there.append(objects.insert(draft(f"one-{number}", namespace=chance.choice(SPACES), **place)))
        if number % 10 == 0:
            assert agrees(tally)

    assert agrees(tally)


def test_what_the_log_has_forgotten_is_counted_again() -> None:
    tally = Tally()
    objects.insert(draft("first"))
    assert tally.count("Pod", account="acme") == 1
    for number in range(9):
        objects.insert(draft(f"more-{number}"))
    changes.trim(keep=2, older_than=datetime.now(UTC) + timedelta(hours=1))

    assert tally.count("Pod", account="acme") == 10


def test_inside_a_transaction_ones_own_writes_count() -> None:
    tally = Tally()
    assert tally.count("Pod", account="acme") == 0

    with transaction.atomic():
        objects.insert(draft("mine"))
        assert tally.count("Pod", account="acme") == 1
        transaction.set_rollback(True)

    assert tally.count("Pod", account="acme") == 0
