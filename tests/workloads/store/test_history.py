"""For any run of writes: a list at some revision, and the changes since, are the list now."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workloads.store.drafts import draft
from workloads.meta.keys import Key
from workloads.store import changes, objects

pytestmark = pytest.mark.django_db

NAMES = ("a", "b", "c", "d")
Step = tuple[str, str]
Steps = st.lists(st.tuples(st.sampled_from(("write", "remove", "list")), st.sampled_from(NAMES)), max_size=40)
State = dict[Key, bytes]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=Steps)
def test_a_list_and_the_changes_since_are_the_list_now(db: None, steps: list[Step]):
    with transaction.atomic():  # each example begins with an empty store
        lists = [objects.scan("Pod"), *(page for step in steps if (page := _take(*step)) is not None)]

        now = _state(objects.scan("Pod"))
        for page in lists:
            assert _replayed(page) == now
        transaction.set_rollback(True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=Steps)
def test_each_change_begins_where_the_one_before_it_ended(db: None, steps: list[Step]):
    with transaction.atomic():
        start = changes.head()
        for step in steps:
            _take(*step)

        state: State = {}
        for entry in changes.after(start):
            assert entry.previous == state.get(entry.key)
            assert (entry.type == "ADDED") is (entry.key not in state)
            _apply(entry, state)
        transaction.set_rollback(True)


def _take(action: str, name: str) -> objects.Page | None:
    if action == "list":
        return objects.scan("Pod")
    found = objects.scan("Pod", name=name).rows
    if not found and action == "write":
        objects.insert(draft(name))
    elif found and action == "write":
        objects.update(draft(name, uid=found[0].uid), expected_revision=found[0].revision)
    elif found:
        objects.remove(draft(name, uid=found[0].uid), expected_revision=found[0].revision)
    return None


def _state(page: objects.Page) -> State:
    return {row.key: row.data for row in page.rows}


def _replayed(page: objects.Page) -> State:
    state = _state(page)
    for entry in changes.after(page.revision):
        _apply(entry, state)
    return state


def _apply(entry: changes.Entry, state: State) -> None:
    if entry.type == "DELETED":
        del state[entry.key]
    else:
        state[entry.key] = entry.data
