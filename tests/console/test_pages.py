"""What the pages say: states in sentences, money where it belongs, and what is lost before it is lost."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from console import happenings
from iam import accounts, bundle, pki
from tests import manifests
from tests.console import scenes
from workloads.client import Sieve
from workloads.store import hosts


def text_of(browser: Browser, url: str) -> str:
    """What a person reads, in one line."""
    body = browser.get(url).content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_a_first_visit_leads_to_a_namespace(browser: Browser) -> None:
    page = browser.get("/").content.decode()

    assert "Request your first namespace" in page
    assert 'href="/create/namespace/"' in page


def test_the_overview_says_that_new_pods_wait_as_long_as_they_do(shop: None, browser: Browser) -> None:
    hosts.put("node-1", hosts.DISK, {"short": "the host is short of disk: 9 GiB of 250 GiB free"})
    assert "New pods wait. The host is short of disk: 9 GiB of 250 GiB free" in text_of(browser, "/")

    hosts.put("node-1", hosts.DISK, {"short": ""})
    assert "New pods wait" not in text_of(browser, "/")


def test_the_overview_names_what_the_proxy_does_not_take(shop: None, browser: Browser) -> None:
    told = {"account": "acme", "kind": "Service", "namespace": "shop", "name": "web", "why": "address already in use"}
    hosts.put("node-1", hosts.PROXY, {"rejected": [told, told | {"account": "globex", "name": "foreign"}]})
    text = text_of(browser, "/")
    assert "The proxy does not take Service web as it is. What it served before goes on. Address already" in text
    assert "foreign" not in text


def test_the_list_says_how_far_a_deployment_is(shop: None, browser: Browser) -> None:
    text = text_of(browser, "/namespaces/shop/deployments/")

    assert "Starting 1 of 2 pods ready, pulling 41%" in text
    assert "0.25 cores · 1 GiB" in text


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("state=look", "lonely", "web-0001"),
        ("state=changing", "web-0001-bbbbb", "lonely"),
        ("state=Running", "web-0001-aaaaa", "web-0001-bbbbb"),
        ("source=none", "lonely", "web-0001"),
        ("source=Deployment", "web-0001-aaaaa", "lonely"),
        ("q=bbb", "web-0001-bbbbb", "lonely"),
        ("label=app%3Dweb", "web-0001-aaaaa", "lonely"),
    ],
)
def test_pods_are_filtered_by_what_the_address_says(
    shop: None, browser: Browser, query: str, seen: str, unseen: str
) -> None:
    text = text_of(browser, f"/namespaces/shop/pods/?{query}")

    assert seen in text
    assert unseen not in text


def test_a_filter_that_finds_nothing_offers_the_way_back(shop: None, browser: Browser) -> None:
    assert "Nothing matches" in text_of(browser, "/namespaces/shop/pods/?q=zzz")


def test_a_bad_selector_is_refused_in_words_at_its_field(shop: None, browser: Browser) -> None:
    page = browser.get("/namespaces/shop/pods/?label=%21%21").content.decode()
    assert 'aria-describedby="filter-label-error"' in page and 'id="filter-label-error" role="alert"' in page


def test_a_pod_shows_its_price_while_creating_and_none_while_terminating(shop: None, browser: Browser) -> None:
    scenes.pod("leaving", status=scenes.running())
    scenes.person().delete("Pod", "leaving", "shop")

    text = text_of(browser, "/namespaces/shop/pods/")

    assert re.search(r"web-0001-bbbbb Pulling 41%.*?¥0\.1161", text)
    assert re.search(r"leaving Terminating.*? -- ", text)


def test_a_pod_that_needs_a_look_says_what_to_do(shop: None, browser: Browser) -> None:
    text = text_of(browser, "/namespaces/shop/pods/lonely/")

    assert "exit 137, out of memory (1 GiB)" in text
    assert "Give container app more memory" in text


def test_deleting_a_namespace_names_what_goes_and_asks_for_the_word(shop: None, browser: Browser) -> None:
    text = text_of(browser, "/namespaces/shop/delete/")
    assert "1 deployment" in text
    assert "3 pods" in text

    refused = browser.post("/namespaces/shop/delete/", {"word": "delete"})
    assert refused.status_code == 422
    assert not scenes.person().get("Namespace", "shop")["metadata"].get("deletionTimestamp")

    browser.post("/namespaces/shop/delete/", {"word": "DELETE"})
    assert scenes.person().get("Namespace", "shop")["metadata"]["deletionTimestamp"]


def test_deleting_a_namespace_names_configuration_and_scaling_too(shop: None, browser: Browser) -> None:
    scenes.secret("door", {"key": "value"})
    scenes.configmap("colours", {"sky": "blue"})
    scenes.person().create("HorizontalPodAutoscaler", manifests.autoscaler(), "shop")

    text = text_of(browser, "/namespaces/shop/delete/")

    assert re.search(r"\d ConfigMaps? .*\d Secrets? .*1 autoscaler ", text)


def test_events_of_several_objects_stand_in_one_order(shop: None) -> None:
    for uid, at in (("1-1", "2026-05-04T12:00:01Z"), ("2-2", "2026-05-04T12:00:03Z"), ("3-3", "2026-05-04T12:00:02Z")):
        about = {"kind": "Pod", "name": f"pod-{uid}", "namespace": "shop", "uid": uid}
        event = {"kind": "Event", "apiVersion": "v1", "metadata": {"name": f"event-{uid}"}, "lastTimestamp": at}
        scenes.hand().create("Event", event | {"involvedObject": about, "reason": "Seen"}, "shop")

    found = happenings.of_uids(scenes.person(), "shop", ["1-1", "2-2"])

    assert [one.about for one in found] == ["Pod/pod-2-2", "Pod/pod-1-1"]
    assert [one.about for one in happenings.of_uids(scenes.person(), "shop", ["3-3"])] == ["Pod/pod-3-3"]
    assert not happenings.of_uids(scenes.person(), "shop", [])


def test_a_name_filter_reads_no_other_objects(shop: None) -> None:
    found = scenes.person().list("Pod", "shop", chosen=Sieve(name_part="one"), limit=50)

    assert [one["metadata"]["name"] for one in found.items] == ["lonely"]


def test_deleting_a_pod_asks_first_and_then_marks_it(shop: None, browser: Browser) -> None:
    assert "Nothing makes a new one" in text_of(browser, "/namespaces/shop/pods/lonely/delete/")

    browser.post("/namespaces/shop/pods/lonely/delete/", {"word": "DELETE"})

    assert scenes.person().get("Pod", "lonely", "shop")["metadata"]["deletionTimestamp"]


def test_scaling_changes_the_number_of_pods(shop: None, browser: Browser) -> None:
    response = browser.post("/namespaces/shop/deployments/web/scale/", {"replicas": "5"})

    assert response.status_code == 302
    assert scenes.person().get("Deployment", "web", "shop")["spec"]["replicas"] == 5


@pytest.mark.parametrize("wrong", ["-1", "many", "", "1.5", "100000"])
def test_a_number_of_pods_that_is_none_is_refused_at_the_field(shop: None, browser: Browser, wrong: str) -> None:
    response = browser.post("/namespaces/shop/deployments/web/scale/", {"replicas": wrong})

    assert response.status_code == 422
    assert b'id="id_replicas_error"' in response.content


def test_a_deleted_deployment_leaves_with_a_word(shop: None, browser: Browser) -> None:
    response = browser.post("/namespaces/shop/deployments/web/delete/", {"word": "web"}, follow=True)

    assert "Deployment web is being deleted." in response.content.decode()


def test_yaml_begins_with_the_name_and_escapes_what_people_wrote(shop: None, browser: Browser) -> None:
    manifest = manifests.pod("clever")
    manifest["metadata"]["annotations"] = {"note": "<script>alert(1)</script>"}
    scenes.person().create("Pod", manifest, "shop")

    page = browser.get("/namespaces/shop/pods/clever/yaml/").content.decode()

    assert "<script>alert" not in page
    assert re.search(r'metadata</span>:\n  <span class="code__key">name</span>: clever', page)


def test_revisions_are_listed_newest_first(shop: None, browser: Browser) -> None:
    scenes.replica_set(scenes.person().get("Deployment", "web", "shop"), revision=2)

    text = text_of(browser, "/namespaces/shop/deployments/web/upgrades/")

    assert text.index("web-0002") < text.index("web-0001")


def test_search_finds_objects_places_and_commands(shop: None, browser: Browser) -> None:
    assert "lonely shop" in text_of(browser, "/search/?q=lone")
    assert "Create from Image" in text_of(browser, "/search/?q=create")
    assert "Create a claim" in text_of(browser, "/search/?q=claim")
    assert "Nothing is called like “zzz”." in text_of(browser, "/search/?q=zzz")


def test_a_kubeconfig_is_a_file_nobody_keeps(browser: Browser) -> None:
    response = browser.get("/kubectl/kubeconfig/")

    assert response.headers["Content-Disposition"].startswith("attachment")
    assert "no-store" in response.headers["Cache-Control"]
    assert b"certificate-authority-data" in response.content


def test_the_command_that_signs_in_is_handed_out_whole(browser: Browser) -> None:
    response = browser.get("/kubectl/cci-iam-authenticator")

    assert response.headers["Content-Disposition"] == 'attachment; filename="cci-iam-authenticator"'
    assert response.content == bundle.content()


def test_the_commands_that_sign_in_are_this_accounts_own(browser: Browser) -> None:
    text = text_of(browser, "/kubectl/")

    assert "--domain-name=acme" in text and "--user-name=alice" in text and "--ak=YOUR_AK" in text
    assert f"--certificate-authority=sha256:{pki.fingerprint(pki.ensure().ca)}" in text


def test_prices_in_kubectl_are_switched_off_and_on(browser: Browser) -> None:
    assert "Switch off for this account" in text_of(browser, "/kubectl/")
    browser.post("/kubectl/prices/", {"prices": "off"})
    assert not accounts.hears_prices("acme")
    assert "Switch on for this account" in text_of(browser, "/kubectl/")
    browser.post("/kubectl/prices/", {"prices": "on"})
    assert accounts.hears_prices("acme")


def test_a_log_of_a_container_that_never_started_says_why(shop: None, browser: Browser) -> None:
    response = browser.get("/namespaces/shop/pods/web-0001-bbbbb/logs/stream/?container=app")

    assert response.status_code == 400
    assert b"is waiting to start" in response.content


def test_long_lists_are_paged_and_pages_follow_each_other(shop: None, browser: Browser) -> None:
    for number in range(60):
        scenes.pod(f"many-{number:02d}")

    first = browser.get("/namespaces/shop/pods/?q=many").content.decode()
    found = re.search(r'href="([^"]*continue=[^"]*)"', first)
    assert found
    second = browser.get(found[1].replace("&amp;", "&")).content.decode()

    seen = set(re.findall(r"pods/(many-\d\d)/", first)), set(re.findall(r"pods/(many-\d\d)/", second))
    assert len(seen[0]) + len(seen[1]) == 60
    assert not seen[0] & seen[1]
