"""The page of the trail: what happened here, found by words, and nobody else's."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from iam import audit
from iam.audit import Target
from iam.identities import Identity

pytestmark = pytest.mark.django_db


def page(browser: Browser, query: str = "") -> str:
    answer = browser.get(f"/audit/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def told(alice: Identity, charlie: Identity) -> None:
    changes = [{"path": "spec.replicas", "before": 1, "after": 3}]
    audit.record(alice, "cci:deployment:update", Target("Deployment", "web", "shop"), changes=changes)
    audit.record(alice, "cci:namespace:create", Target("Namespace", "lab"), outcome="denied", message="require more")
    audit.record(charlie, "cci:pod:delete", Target("Pod", "theirs", "far"))


def test_the_page_tells_who_did_what_and_what_changed(told: None, browser: Browser) -> None:
    text = page(browser)

    assert "cci:deployment:update" in text and "spec.replicas" in text
    assert "<del>1</del>" in text and "<ins>3</ins>" in text
    assert "require more" in text
    assert "theirs" not in text


def test_it_is_filtered_by_outcome_and_words(told: None, browser: Browser) -> None:
    assert "cci:deployment:update" not in page(browser, "?outcome=denied")
    assert "cci:namespace:create" not in page(browser, "?q=web")
    assert "Nothing matches" in page(browser, "?q=nobody-did-that")
    assert "Nothing matches" in page(browser, "?until=2001-02-03")
