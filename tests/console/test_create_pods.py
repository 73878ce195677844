"""The form that creates a bare pod, and the clone of one in it."""

from __future__ import annotations

from django.test import Client as Browser

from tests import manifests
from tests.console import scenes
from tests.console.scenes import person
from tests.console.test_edit_form import fields_of

FORM = {
    "namespace": "shop",
    "name": "once",
    "containers-0-name": "app",
    "containers-0-image": manifests.IMAGE,
    "containers-0-command": "sleep 1",
    "restart_policy": "Never",
    "size": "0.50_1.0",
    "step": "confirm",
    "go": "submit",
}


def test_the_form_makes_a_pod(shop: None, browser: Browser) -> None:
    assert browser.post("/create/pod/", FORM).headers["Location"] == "/namespaces/shop/pods/once/"
    made = person().get("Pod", "once", "shop")
    assert made["spec"]["restartPolicy"] == "Never"
    assert made["metadata"]["annotations"]["resource.cci.io/pod-size-specs"] == "0.50_1.0"


def test_what_is_refused_stands_at_its_field(shop: None, browser: Browser) -> None:
    answer = browser.post("/create/pod/", FORM | {"containers-0-cpu": "0.3"})
    assert answer.status_code == 422
    assert 'id="id_containers-0-cpu_error"' in answer.content.decode()


def test_a_clone_of_a_pod_opens_in_the_form_and_is_made(shop: None, browser: Browser) -> None:
    scenes.pod("first", restartPolicy="OnFailure", terminationGracePeriodSeconds=7)
    page = browser.get("/namespaces/shop/pods/first/").content.decode()
    assert "/create/pod/?namespace=shop&amp;clone=Pod/first" in page
    fields = fields_of(browser.get("/create/pod/?namespace=shop&clone=Pod/first").content.decode())
    assert (fields["name"], fields["restart_policy"], fields["grace_seconds"]) == ("first-copy", "OnFailure", "7")
    assert browser.post("/create/pod/", {**fields, "step": "confirm", "go": "submit"}).status_code == 302
    made = person().get("Pod", "first-copy", "shop")
    assert made["spec"]["containers"][0]["image"] == manifests.IMAGE
    assert "nodeName" not in made["spec"]
