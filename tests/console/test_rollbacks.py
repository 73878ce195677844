"""Going back to an earlier revision: what would change is shown before it does."""

from __future__ import annotations

from django.test import Client as Browser

from tests.console import scenes

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


def test_a_revision_that_is_not_there_changes_nothing(shop: None, browser: Browser) -> None:
    was = images()
    assert "There is no earlier revision" in browser.get(f"{PAGE}roll-back/?to=nothing").content.decode()
    assert browser.post(f"{PAGE}roll-back/", {"to": "nothing"}).status_code == 200
    assert images() == was
