"""What an event loop may ask by itself: newest as any read, and never more than was committed."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from tests.workloads.store.drafts import draft, revision_in
from workloads.store import atonce, objects

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite alone is a file beside the process"),
]


def test_every_write_that_was_answered_is_seen():
    for phase in ("Pending", "Running"):
        known = objects.scan("Pod", name="web").rows
        if known:
            row = objects.update(draft("web", uid=known[0].uid, phase=phase), expected_revision=known[0].revision)
        else:
            row = objects.insert(draft("web", phase=phase))

        assert revision_in(atonce.data(row.key) or b"") == row.revision


def test_what_is_not_committed_is_not_there():
    with transaction.atomic():
        key = objects.insert(draft("web")).key

        assert atonce.data(key) is None
    assert atonce.data(key) is not None


def test_a_database_that_does_not_answer_is_asked_in_the_ordinary_way(monkeypatch: pytest.MonkeyPatch):
    key = objects.insert(draft("web")).key
    monkeypatch.setitem(connection.settings_dict, "NAME", "/nowhere/at/all.sqlite3")

    assert atonce.data(key) is None
