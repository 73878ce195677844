"""Going back to an earlier revision: what would change is shown before it does."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from tests.console import scenes
from workloads.client import JSON

PAGE = "/namespaces/shop/deployments/web/"


def upgrade(image: str) -> None:
    """Another image, and the ReplicaSet that a second revision has."""
    door = scenes.person()
    before = door.get("Deployment", "web", "shop")
    containers = [{**one, "image": image} for one in before["spec"]["template"]["spec"]["containers"]]
    template = {**before["spec"]["template"], "spec": {**before["spec"]["template"]["spec"], "containers": containers}}
    annotations = {**before["metadata"].get("annotations", {}), "deployment.kubernetes.io/revision": "2"}
    metadata = {**before["metadata"], "annotations": annotations}
    changed = {**before, "metadata": metadata, "spec": {**before["spec"], "template": template}}
    door.update("Deployment", "web", changed, "shop")


def images() -> list[str]:
    template = scenes.person().get("Deployment", "web", "shop")["spec"]["template"]
    return [one["image"] for one in template["spec"]["containers"]]


def test_the_difference_is_shown_and_then_made(shop: None, browser: Browser) -> None:
    (was,) = images()
    upgrade("cci-test/busybox:2")
    text = browser.get(f"{PAGE}roll-back/").content.decode()
    assert "difference__line--removed" in text and "cci-test/busybox:2" in text
    assert images() == ["cci-test/busybox:2"]

    assert browser.post(f"{PAGE}roll-back/").headers["Location"] == PAGE
    assert images() == [was]


def test_the_difference_does_not_speak_of_the_order_of_fields(shop: None, browser: Browser) -> None:
    door = scenes.person()
    before = door.get("Deployment", "web", "shop")
    containers = [dict(reversed(one.items())) for one in _with_image("cci-test/busybox:2")]
    spec = {**before["spec"]["template"]["spec"], "containers": containers}
    template = {**before["spec"]["template"], "spec": spec}
    door.update("Deployment", "web", {**before, "spec": {**before["spec"], "template": template}}, "shop")
    changes = re.findall(r"difference__line--(added|removed)", browser.get(f"{PAGE}roll-back/").content.decode())
    assert sorted(changes) == ["added", "removed"]


def test_a_revision_that_is_not_there_changes_nothing(shop: None, browser: Browser) -> None:
    was = images()
    assert "There is no earlier revision" in browser.get(f"{PAGE}roll-back/?to=nothing").content.decode()
    assert browser.post(f"{PAGE}roll-back/", {"to": "nothing"}).status_code == 200
    assert images() == was


def changed(spec: JSON) -> None:
    scenes.person().patch("Deployment", "web", {"spec": spec}, "application/merge-patch+json", "shop")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"paused": False}, "Its pods are replaced as its upgrade policy says."),
        ({"paused": True}, "Its upgrades are paused: its pods stay as they are until it is resumed."),
        ({"paused": False, "replicas": 0}, "It has no pods: the ones it gets are of this revision."),
    ],
)
def test_what_happens_to_its_pods_is_told_as_it_is(shop: None, browser: Browser, spec: JSON, told: str) -> None:
    upgrade("cci-test/busybox:2")
    changed(spec)
    assert told in browser.get(f"{PAGE}roll-back/").content.decode()
    after = browser.post(f"{PAGE}roll-back/", follow=True).content.decode()
    assert "goes back to what revision" in after
    assert (told in after) is (spec != {"paused": False})


def test_what_a_paused_one_has_not_rolled_out_can_be_taken_back(shop: None, browser: Browser) -> None:
    (was,) = images()
    changed({"paused": True, "template": {"spec": {"containers": _with_image("cci-test/busybox:3")}}})
    (row,) = re.findall(r'<tr id="revision-.*?</tr>', browser.get(f"{PAGE}upgrades/").content.decode(), re.S)
    assert "Compare and roll back" in row
    browser.post(f"{PAGE}roll-back/")
    assert images() == [was]


def test_paused_upgrades_go_on_where_it_is_shown_what_waits(shop: None, browser: Browser) -> None:
    changed({"paused": True, "template": {"spec": {"containers": _with_image("cci-test/busybox:3")}}})
    assert f'href="{PAGE}resume/"' in browser.get(PAGE).content.decode()
    asked = browser.get(f"{PAGE}resume/").content.decode()
    assert "difference__line--added" in asked and "cci-test/busybox:3" in asked

    browser.post(f"{PAGE}resume/")
    assert scenes.person().get("Deployment", "web", "shop")["spec"]["paused"] is False
    assert f'href="{PAGE}resume/"' not in browser.get(PAGE).content.decode()


def _with_image(image: str) -> list[JSON]:
    containers = scenes.person().get("Deployment", "web", "shop")["spec"]["template"]["spec"]["containers"]
    return [{**one, "image": image} for one in containers]
