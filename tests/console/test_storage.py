"""Storage: claims in a list, one claim, the form that makes one, growth and deletion."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests import manifests
from tests.console import scenes
from workloads.client import JSON
from workloads.meta.errors import NotFound

PVC = "PersistentVolumeClaim"
FORM = {
    "go": "submit",
    "namespace": "shop",
    "name": "data",
    "storage_class": "ssd",
    "mode": "ReadWriteOnce",
    "size": "5",
}


@pytest.fixture
def claim(shop: None) -> JSON:
    """Bound, half full, used by a bare pod."""
    made = scenes.person().create(PVC, manifests.claim(size="2Gi"), "shop").obj
    made["status"] = {
        "phase": "Bound",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "2Gi"},
        "usage": {"bytes": 1024**3, "countedAt": "2026-01-01T12:00:00Z"},
    }
    scenes.person().create("Pod", manifests.claiming("reader"), "shop")
    return scenes.hand(name="claims").update(PVC, "data", made, "shop", subresource="status").obj


def text(browser: Browser, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_list_says_how_full_a_claim_is_and_who_uses_it(claim: JSON, browser: Browser) -> None:
    shown = text(browser, "/claims/")
    for words in ("2 claims in all namespaces", "1.0 GiB", "50 %", "reader", "sata"):
        assert words in shown


def test_a_list_without_claims_says_what_they_are_for(browser: Browser) -> None:
    assert "A claim keeps data" in text(browser, "/claims/")


def test_a_claim_has_its_page(claim: JSON, browser: Browser) -> None:
    shown = text(browser, "/namespaces/shop/claims/data/")
    assert "/namespaces/shop/pods/reader/" in shown
    assert "Its size is counted and not enforced" in shown
    assert "kubernetes.io/pvc-protection" in text(browser, "/namespaces/shop/claims/data/yaml/")


def test_the_form_makes_a_claim(shop: None, browser: Browser) -> None:
    answer = browser.post("/create/claim/", FORM)
    assert answer.headers["Location"] == "/namespaces/shop/claims/data/"
    spec = scenes.person().get(PVC, "data", "shop")["spec"]
    assert (spec["storageClassName"], spec["resources"]["requests"]["storage"]) == ("ssd", "5Gi")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Give the claim a name"),
        ({"name": "No"}, "lower case"),
        ({"size": "many"}, "The size is a whole number"),
        ({"size": "0"}, "Must be greater than zero"),
        ({"mode": "ReadWriteMany"}, "For ReadWriteMany use the class nfs-rw"),
    ],
)
def test_a_refusal_stands_at_its_field(shop: None, browser: Browser, change: JSON, words: str) -> None:
    answer = browser.post("/create/claim/", FORM | change)
    assert answer.status_code == 422
    assert words.lower() in answer.content.decode().lower()
    (field,) = change
    assert f'id="id_{field}_error"' in answer.content.decode()


def test_a_claim_grows_and_does_not_shrink(claim: JSON, browser: Browser) -> None:
    assert browser.post("/namespaces/shop/claims/data/grow/", {"gib": "3"}).status_code == 302
    assert scenes.person().get(PVC, "data", "shop")["spec"]["resources"]["requests"]["storage"] == "3Gi"
    refused = browser.post("/namespaces/shop/claims/data/grow/", {"gib": "1"})
    assert (refused.status_code, b"can not be less than" in refused.content) == (422, True)


def test_deleting_says_what_goes_and_who_uses_it(claim: JSON, browser: Browser) -> None:
    shown = text(browser, "/namespaces/shop/claims/data/delete/")
    assert "It removes the 1.0 GiB that are in it." in shown
    assert "1 pod uses it: reader." in shown
    browser.post("/namespaces/shop/claims/data/delete/", {"word": "data"})
    assert "deletionTimestamp" in scenes.person().get(PVC, "data", "shop")["metadata"]


@pytest.mark.parametrize("tab", ["events", "yaml"])
def test_a_claim_that_leaves_says_on_each_tab_what_it_waits_for(claim: JSON, browser: Browser, tab: str) -> None:
    scenes.person().delete("PersistentVolumeClaim", "data", "shop")

    assert "waits until no pod uses it" in text(browser, f"/namespaces/shop/claims/data/{tab}/")


def test_charlie_sees_no_claim(claim: JSON, strangers_browser: Browser) -> None:
    assert strangers_browser.get("/namespaces/shop/claims/data/").status_code == 404
    assert b"reader" not in strangers_browser.get("/claims/").content
    with pytest.raises(NotFound):
        scenes.person("other").get(PVC, "data", "shop")
