"""Pages of one list are of one moment, and a list of a moment is what was listed then."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iam.identities import Identity
from tests import manifests
from tests.workloads.store.drafts import draft
from workloads.client import Client, Freshness
from workloads.meta.errors import BadRequest, Timeout
from workloads.store import changes, objects

NAMES = [f"{place}{number}" for place in ("a", "m", "z") for number in range(3)]
Writes = st.lists(st.tuples(st.sampled_from(("write", "remove")), st.sampled_from(NAMES)), max_size=8)


@pytest.fixture(params=[True, False], ids=["from memory", "from the store"])
def reader(request, transactional_db: None, alice: Identity) -> Client:
    return Client(alice, from_memory=request.param)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=Writes, between=st.lists(Writes, min_size=1, max_size=4), limit=st.integers(1, 4))
def test_pages_are_what_one_list_would_have_been_whatever_was_written_between(reader, first, between, limit):
    _do(first)
    whole = reader.list_rows("Pod", "shop")

    page = reader.list_rows("Pod", "shop", limit=limit)
    found = list(page.rows)
    left = [page.remaining]
    while page.continue_token:
        _do(between.pop() if between else [])
        page = reader.list_rows("Pod", "shop", limit=limit, continue_token=page.continue_token)
        found += page.rows
        left.append(page.remaining)

    assert [row.data for row in found] == [row.data for row in whole.rows]
    assert page.revision == whole.revision
    assert left == [max(0, len(whole.rows) - limit * (turn + 1)) for turn in range(len(left))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=Writes, then=Writes)
def test_a_list_of_a_revision_is_what_was_listed_at_it(reader, first, then):
    objects.insert(draft(f"extra-{changes.head()}", account="other"))  # the log is never empty
    _do(first)
    listed = reader.list_rows("Pod", "shop", label_selector="app=a")
    _do(then)

    again = reader.list_rows("Pod", "shop", label_selector="app=a", fresh=Freshness(exactly=listed.revision))

    assert [row.data for row in again.rows] == [row.data for row in listed.rows]
    assert again.revision == listed.revision


def test_a_revision_that_is_still_to_come_is_too_large(reader):
    for fresh in (Freshness(at_least=10**9), Freshness(exactly=10**9)):
        with pytest.raises(Timeout, match="Too large resource version: 1000000000, current: ") as refused:
            reader.list_rows("Pod", "shop", fresh=fresh)
        assert refused.value.body()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_a_token_serves_nobody_else_and_no_other_list(reader, charlie):
    _do([("write", name) for name in NAMES])
    token = reader.list_rows("Pod", "shop", limit=2).continue_token

    for client, kind, namespace in (
        (Client(charlie), "Pod", "shop"),
        (reader, "Job", "shop"),
        (reader, "Pod", "attic"),
    ):
        with pytest.raises(BadRequest, match="invalid continue token"):
            client.list_rows(kind, namespace, continue_token=token)


def test_a_token_that_was_tampered_with_is_no_token(reader):
    _do([("write", name) for name in NAMES])
    token = reader.list_rows("Pod", "shop", limit=2).continue_token

    for wrong in (token[:-2], "!" + token[1:], token + "€", "AAAA"):
        with pytest.raises(BadRequest, match="invalid continue token"):
            reader.list_rows("Pod", "shop", continue_token=wrong)


def _do(writes: list[tuple[str, str]]) -> None:
    for action, name in writes:
        found = objects.scan("Pod", account="acme", namespace="shop", name=name).rows
        if not found and action == "write":
            objects.insert(draft(name, labels={"app": name[0]}))
        elif found:
            again = draft(name, uid=found[0].uid, labels={"app": "m" if found[0].labels["app"] == "a" else "a"})
            if action == "write":
                objects.update(again, expected_revision=found[0].revision)
            else:
                objects.remove(again, expected_revision=found[0].revision)


@pytest.mark.django_db
def test_whoever_takes_any_revision_sees_the_write_before_all_the_same(alice: Identity) -> None:
    """`kubectl rollout status` lists with resourceVersion 0 right after `kubectl set image`."""
    door = Client(alice, from_memory=True)
    door.create("Namespace", manifests.namespace())
    door.create("Deployment", manifests.deployment("web"), "shop")
    door.list_rows("Deployment", "shop", fresh=Freshness(at_least=0))
    changed = door.patch("Deployment", "web", {"spec": {"replicas": 5}}, "application/merge-patch+json", "shop")

    (row,) = door.list_rows("Deployment", "shop", fresh=Freshness(at_least=0)).rows
    assert str(row.revision) == changed.obj["metadata"]["resourceVersion"]
