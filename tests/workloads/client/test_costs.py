"""What a write costs the database: it has one writer, and everybody waits for that one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from iam.identities import Identity
from tests import manifests
from workloads.client import Client

pytestmark = pytest.mark.django_db

ASKED_BEFORE, WRITTEN_WITHIN = 5, 6


@pytest.fixture
def shop(alice: Identity) -> Client:
    door = Client(alice.came("kube-api"))
    door.create("Namespace", manifests.namespace())
    door.create("Pod", manifests.pod("warm"), "shop")
    return door


def statements(captured: CaptureQueriesContext) -> tuple[list[str], list[str]]:
    """Those before the write's transaction, and those in it."""
    asked = [" ".join(query["sql"].split()) for query in captured.captured_queries]
    begun = next(index for index, text in enumerate(asked) if text.startswith(("BEGIN", "SAVEPOINT")))
    return asked[:begun], [text for text in asked[begun + 1 :] if not text.startswith(("COMMIT", "RELEASE"))]


def test_a_new_pod_asks_the_database_eleven_questions(shop: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        shop.create("Pod", manifests.pod("one"), "shop")

    before, within = statements(captured)
    assert (len(before) <= ASKED_BEFORE, len(within) <= WRITTEN_WITHIN) == (True, True), (before, within)


def test_a_patched_pod_asks_the_database_seven_questions(shop: Client) -> None:
    change = {"metadata": {"labels": {"colour": "red"}}}
    with CaptureQueriesContext(connection) as captured:
        shop.patch("Pod", "warm", change, "application/merge-patch+json", "shop")

    before, within = statements(captured)
    assert (len(before) <= 1, len(within) <= WRITTEN_WITHIN) == (True, True), (before, within)


def test_prices_and_quotas_are_not_asked_for_where_nothing_is_sized(shop: Client) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}}
    with CaptureQueriesContext(connection) as captured:
        shop.create("ConfigMap", config, "shop")

    before, _ = statements(captured)
    assert len(before) == 1, before
