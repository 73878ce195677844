"""Several objects of a list at once: what is offered, asked, done and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from console import bulk
from iam import people
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in
from workloads.meta.errors import NotFound

JSON = dict[str, Any]


def pick(kind: str, name: str, *, uid: str = "") -> str:
    return f"shop/{name}/{uid or scenes.person().get(kind, name, 'shop')['metadata']['uid']}"


def asked(browser: Browser, kind: str, action: str, *picks: str, **rest: str) -> str:
    answer = browser.post(f"/bulk/{kind}/", {"action": action, "pick": picks, **rest}, follow=True)
    return " ".join(answer.content.decode().split())


def is_going(kind: str, name: str) -> bool:
    try:
        return "deletionTimestamp" in scenes.person().get(kind, name, "shop")["metadata"]
    except NotFound:
        return True


@pytest.mark.parametrize("section", ["deployments", "pods", "jobs", "cronjobs", "services", "ingresses"])
def test_a_list_offers_what_its_visitor_may_do_with_several(shop: None, browser: Browser, section: str) -> None:
    page = browser.get(f"/{section}/").content.decode()

    assert 'id="picks"' in page
    assert 'value="delete"' in page
    assert ('value="scale"' in page) == (section == "deployments")
    assert ('value="suspend"' in page) == (section in ("jobs", "cronjobs"))


def test_who_may_only_look_is_offered_nothing_and_refused_everything(shop: None) -> None:
    people.create_user(identity_of(scenes.user()), "bob", password="secret-secret", policies=["CCI ReadOnlyAccess"])
    scenes.person().create("RoleBinding", reader("bob"), "shop")
    bob = signed_in("acme", "bob")

    assert 'name="pick"' not in bob.get("/namespaces/shop/deployments/").content.decode()
    told = asked(bob, "Deployment", "delete", pick("Deployment", "web"), go="1", word="DELETE")
    assert "Left as before: 1 Deployment" in told
    assert not is_going("Deployment", "web")


def test_before_several_go_the_page_names_them_and_waits_for_the_word(shop: None, browser: Browser) -> None:
    picks = [pick("Pod", "lonely"), pick("Pod", "web-0001-aaaaa")]

    question = asked(browser, "Pod", "delete", *picks)
    mistaken = asked(browser, "Pod", "delete", *picks, go="1", word="delete")

    assert "Delete 2 pods?" in question
    assert "Stops billing ¥" in question
    assert "1 of them belongs to a workload, which makes a new one at once" in question
    assert "Type DELETE, in capitals." in mistaken
    assert not is_going("Pod", "lonely")


def test_several_are_deleted_and_one_is_led_back_to_the_same_list(shop: None, browser: Browser) -> None:
    scenes.configmap("other", {"a": "b"})
    picks = [pick("ConfigMap", "web"), pick("ConfigMap", "other")]

    page = asked(browser, "ConfigMap", "delete", *picks, go="1", word="DELETE", back="/configmaps/?q=e")

    assert "2 ConfigMaps are being deleted." in page
    assert is_going("ConfigMap", "web")
    assert is_going("ConfigMap", "other")
    assert 'value="e"' in page


def test_one_refusal_keeps_no_other_from_its_own_and_is_told_with_its_reason(shop: None, browser: Browser) -> None:
    bad = asked(browser, "ConfigMap", "label", pick("ConfigMap", "web"), go="1", key="not a key!", value="x")
    gone = pick("ConfigMap", "web", uid="another-uid")
    scenes.configmap("other", {"a": "b"})
    mixed = asked(browser, "ConfigMap", "label", gone, pick("ConfigMap", "other"), go="1", key="tier", value="front")

    assert "Left as before: 1 ConfigMap" in bad
    assert "not a key!" in bad
    assert "another one has its name now" in mixed
    assert scenes.person().get("ConfigMap", "other", "shop")["metadata"]["labels"]["tier"] == "front"


@pytest.mark.parametrize(
    ("kind", "action", "rest", "holds"),
    [
        ("Deployment", "scale", {"replicas": "3"}, lambda obj: obj["spec"]["replicas"] == 3),
        ("Deployment", "restart", {}, lambda obj: bulk.RESTARTED in obj["spec"]["template"]["metadata"]["annotations"]),
        ("Job", "suspend", {}, lambda obj: obj["spec"]["suspend"] is True),
        ("CronJob", "suspend", {}, lambda obj: obj["spec"]["suspend"] is True),
        ("Service", "label", {"key": "tier", "value": "a"}, lambda obj: obj["metadata"]["labels"]["tier"] == "a"),
    ],
)
def test_what_was_asked_for_is_done(
    shop: None, browser: Browser, kind: str, action: str, rest: dict[str, str], holds: Callable[[JSON], bool]
) -> None:
    before = scenes.person().get(kind, "web", "shop")
    asked(browser, kind, action, pick(kind, "web"), go="1", **rest)

    assert not (action == "scale" and holds(before))
    assert holds(scenes.person().get(kind, "web", "shop"))


def test_a_label_is_taken_away_again(shop: None, browser: Browser) -> None:
    asked(browser, "Pod", "label", pick("Pod", "lonely"), go="1", key="tier", value="front")
    asked(browser, "Pod", "label", pick("Pod", "lonely"), go="1", key="tier", remove="on")

    assert "tier" not in scenes.person().get("Pod", "lonely", "shop")["metadata"].get("labels", {})


def test_what_is_so_already_is_left_out_of_the_question(shop: None, browser: Browser) -> None:
    page = asked(browser, "Job", "resume", pick("Job", "web"))

    assert "None of them can be treated so" in page
    assert "It is not suspended." in page


def test_nobody_reaches_another_accounts_objects(shop: None, strangers_browser: Browser) -> None:
    asked(strangers_browser, "Pod", "delete", pick("Pod", "lonely"), go="1", word="DELETE")

    assert not is_going("Pod", "lonely")


def test_the_way_back_leads_nowhere_else(shop: None, browser: Browser) -> None:
    posted = {"action": "label", "pick": pick("Pod", "lonely"), "go": "1", "key": "a", "back": "//evil.example/"}

    assert browser.post("/bulk/Pod/", posted).headers["Location"] == "/pods/"


def reader(name: str) -> JSON:
    return {
        "metadata": {"name": f"{name}-looks"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": name}],
    }
