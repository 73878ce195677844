"""What is read from a process's memory is what the store would have answered, whoever wrote, in whichever process."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.threads import at_once
from tests.workloads.store.drafts import draft
from workloads.meta.keys import Key
from workloads.store import changes, objects
from workloads.watch.cache import Cache

pytestmark = pytest.mark.django_db(transaction=True)

NAMES, NAMESPACES = ("a", "b", "c"), ("attic", "shop")
Places = st.tuples(st.sampled_from(NAMESPACES), st.sampled_from(NAMES))
Steps = st.lists(st.tuples(st.sampled_from(("write", "remove", "first", "second")), Places), max_size=30)


def cache(limit: int = 10**9) -> Cache:
    return Cache(lambda: limit)


def seen(page: objects.Page | None) -> list[tuple[Key, int, bytes]]:
    assert page is not None, "the cache sent its reader to the store"
    return [(row.key, row.revision, row.data) for row in page.rows]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=Steps)
def test_two_processes_answer_as_the_store_does_after_any_run_of_writes(db: None, steps):
    first, second = cache(), cache()
    for action, (namespace, name) in steps:
        if action in ("write", "remove"):
            _write(action, namespace, name)
            continue
        one = first if action == "first" else second
        page, told = one.page("Pod", account="acme", namespace=namespace), objects.scan("Pod", account="acme")
        assert seen(page) == [row for row in seen(told) if row[0].namespace == namespace]
        assert page.revision == told.revision == changes.head()


def test_a_page_begins_behind_a_place_and_knows_what_is_left():
    for name in ("a", "b", "c", "d"):
        objects.insert(draft(name))

    page = cache().page("Pod", account="acme", namespace="shop", after=("shop", "a"), limit=2)

    assert [row.key.name for row in page.rows] == ["b", "c"]
    assert page.remaining == 1


def test_a_long_page_is_joined_once_and_never_after_a_write(monkeypatch):
    monkeypatch.setattr("workloads.watch.cache.WORTH", 2)
    for name in ("a", "b", "c"):
        objects.insert(draft(name))
    kept = cache()
    first, again = (kept.page("Pod", account="acme", namespace="shop", limit=2) for _ in range(2))
    assert first.joined.text is again.joined.text == b",".join(row.data for row in first.rows)
    size = kept.size

    _write("remove", "shop", "a")
    later = kept.page("Pod", account="acme", namespace="shop", limit=2)
    assert [row.key.name for row in later.rows] == ["b", "c"] and later.remaining == 0
    assert later.joined.text == b",".join(row.data for row in later.rows)
    assert kept.size < size


def test_a_page_is_not_kept_joined_where_there_is_no_room_for_it(monkeypatch):
    monkeypatch.setattr("workloads.watch.cache.WORTH", 1)
    row = objects.insert(draft("a"))
    full = cache(len(row.data) + 1300)
    page = full.page("Pod", account="acme")
    assert seen(page) and page.joined is None and full.size <= len(row.data) + 1300


def test_readers_see_their_own_writes_while_others_write():
    shared = cache()

    def write_and_read(number: int) -> None:
        for turn in range(15):
            name = f"pod-{number}-{turn}"
            written = objects.insert(draft(name))
            page = shared.page("Pod", account="acme")
            assert name in {row.key.name for row in page.rows}
            assert page.revision >= written.revision
            assert shared.row(written.key, at_least=written.revision).data == written.data

    at_once(*(lambda number=number: write_and_read(number) for number in range(4)))

    assert seen(shared.page("Pod", account="acme")) == seen(objects.scan("Pod", account="acme"))


def test_a_reader_asks_the_database_for_the_log_s_newest_entry_alone(django_assert_num_queries):
    kept = cache()
    row = objects.insert(draft("one"))
    kept.page("Pod", account="acme")

    with django_assert_num_queries(2):
        page = kept.page("Pod", account="acme")
        assert kept.row(row.key, at_least=row.revision).data == row.data

    assert page.revision == row.revision


def test_an_account_sees_nothing_of_another():
    kept = cache()
    row = objects.insert(draft("one", account="other"))

    assert kept.page("Pod", account="other").rows
    assert kept.page("Pod", account="acme").rows == []
    assert kept.row(row.key._replace(account="acme"), at_least=0) is None


def test_what_is_too_large_is_left_to_the_store():
    kept = cache(limit=5000)
    objects.insert(draft("small", account="other"))
    for name in ("a", "b", "c"):
        objects.insert(draft(name, note="x" * 3000))

    assert kept.page("Pod", account="acme") is None
    assert kept.page("Pod", account="other").rows


def test_what_was_not_asked_for_the_longest_makes_room():
    kept = cache(limit=6000)
    for account in ("first", "second", "third"):
        objects.insert(draft("one", account=account, note="x" * 1000))
        kept.page("Pod", account=account)

    assert kept.size <= 6000
    assert seen(kept.page("Pod", account="first")) == seen(objects.scan("Pod", account="first"))


def test_a_shelf_that_grows_too_large_goes():
    kept = cache(limit=6000)
    objects.insert(draft("one"))
    kept.page("Pod", account="acme")
    for name in ("a", "b", "c"):
        objects.insert(draft(name, note="x" * 3000))

    assert kept.page("Pod", account="acme") is None
    assert kept.size == 0


def test_nothing_is_kept_over_a_log_that_was_trimmed_meanwhile():
    kept = cache()
    objects.insert(draft("one"))
    kept.page("Pod", account="acme")
    for name in ("a", "b", "c"):
        objects.insert(draft(name))
    changes.trim(keep=1, older_than=datetime.max.replace(tzinfo=UTC))

    assert seen(kept.page("Pod", account="acme")) == seen(objects.scan("Pod", account="acme"))


def test_nothing_is_kept_of_a_database_that_another_one_replaced():
    kept = cache()
    row = objects.insert(draft("one"))
    kept.page("Pod", account="acme")
    _forget_everything()

    assert kept.page("Pod", account="acme").rows == []
    assert kept.row(row.key, at_least=0) is None


def test_a_reader_inside_a_transaction_asks_the_store():
    kept = cache()
    with transaction.atomic():
        objects.insert(draft("one"))
        assert kept.page("Pod", account="acme") is None
        transaction.set_rollback(True)

    assert kept.page("Pod", account="acme").rows == []


def _write(action: str, namespace: str, name: str) -> None:
    found = objects.scan("Pod", namespace=namespace, name=name, account="acme").rows
    if not found and action == "write":
        objects.insert(draft(name, namespace=namespace))
    elif found:
        again = draft(name, namespace=namespace, uid=found[0].uid)
        if action == "write":
            objects.update(again, expected_revision=found[0].revision)
        else:
            objects.remove(again, expected_revision=found[0].revision)


def _forget_everything() -> None:
    from workloads.store.models import Change, Object

    Object.objects.all().delete()
    Change.objects.all().delete()
