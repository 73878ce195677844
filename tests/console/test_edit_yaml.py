"""An object is edited as YAML: what changes is shown first, and nobody's change is lost."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client as Browser

from iam import people, policies
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in

PAGE = "/namespaces/shop/edit/Deployment/web/"
pytestmark = pytest.mark.usefixtures("shop")


def opened(browser: Browser, page: str = PAGE) -> dict[str, str]:
    """The form's fields as a browser has them."""
    return fields(browser.get(page))


def fields(response: Any) -> dict[str, str]:
    html = response.content.decode()
    texts = dict(re.findall(r'<textarea[^\n]*? name="(\w+)"[^\n]*>\n(.*?)</textarea>', html, re.DOTALL))
    version = re.search(r'name="version" value="(\d+)"', html)
    assert version, html[:2000]
    return {name: unescape(text).replace("\r\n", "\n") for name, text in texts.items()} | {"version": version[1]}


def difference(response: Any) -> list[str]:
    found = re.findall(r"difference__line--(?:added|removed)\">(.*?)\n</span>", response.content.decode())
    return [" ".join(unescape(line).split()) for line in found]


def replicas() -> int:
    return int(scenes.person().get("Deployment", "web", "shop")["spec"]["replicas"])


def test_the_text_is_what_one_may_write(browser: Browser) -> None:
    text = opened(browser)["text"]
    assert "replicas: 2" in text
    assert not re.search(r"^(status|  (uid|resourceVersion|managedFields|generation)):", text, re.MULTILINE)


def test_what_changes_is_shown_and_nothing_is_saved_yet(browser: Browser) -> None:
    form = opened(browser)
    form["text"] = form["text"].replace("replicas: 2", "replicas: 5")
    answer = browser.post(PAGE, {**form, "go": "check"})
    assert difference(answer) == ["- replicas: 2", "+ replicas: 5"]
    assert "price in CNY" in answer.content.decode()
    assert replicas() == 2


def test_saving_changes_it_and_leads_back(browser: Browser) -> None:
    form = opened(browser)
    form["text"] = form["text"].replace("replicas: 2", "replicas: 5")
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert answer.status_code == 302
    assert answer["Location"] == "/namespaces/shop/deployments/web/"
    assert replicas() == 5


def test_a_text_as_it_was_changes_nothing_and_says_so(browser: Browser) -> None:
    form = opened(browser)
    assert "Nothing: this is what is stored already." in browser.post(PAGE, {**form, "go": "check"}).content.decode()


def test_a_mistake_names_its_field_and_keeps_the_text(browser: Browser) -> None:
    form = opened(browser)
    form["text"] = form["text"].replace("replicas: 2", "replicas: -1")
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert answer.status_code == 422
    assert "spec.replicas" in answer.content.decode()
    assert "replicas: -1" in fields(answer)["text"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("a: [", "line"),
        ("kind: Pod\napiVersion: v1\nmetadata: {name: web}", "cannot be changed"),
        ("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: other}", "cannot be changed"),
        ("kind: Deployment\napiVersion: apps/v2\nmetadata: {name: web}", "is served as"),
        ("", "There is nothing here"),
        ("a: 1\n---\nb: 2", "take the other documents away"),
    ],
)
def test_another_object_or_none_is_refused_in_words(browser: Browser, typed: str, told: str) -> None:
    answer = browser.post(PAGE, {**opened(browser), "text": typed, "go": "save"})
    assert answer.status_code == 422
    assert told in unescape(answer.content.decode())


def test_what_somebody_else_changed_meanwhile_is_kept_and_shown(browser: Browser) -> None:
    form = opened(browser)
    _scaled_by_bob(4)
    form["text"] = form["text"].replace("metadata:\n", "metadata:\n  annotations:\n    note: mine\n", 1)
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert difference(answer) == ["- replicas: 2", "+ replicas: 4"]
    newest = fields(answer)
    assert "note: mine" in newest["text"]
    assert "replicas: 4" in newest["text"]

    assert browser.post(PAGE, {**newest, "go": "save"}).status_code == 302
    saved = scenes.person().get("Deployment", "web", "shop")
    assert (saved["spec"]["replicas"], saved["metadata"]["annotations"]["note"]) == (4, "mine")


def test_where_both_changed_the_same_it_is_named_and_ours_stands(browser: Browser) -> None:
    form = opened(browser)
    _scaled_by_bob(4)
    form["text"] = form["text"].replace("replicas: 2", "replicas: 7")
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert "<code>spec.replicas</code>" in answer.content.decode()
    assert "replicas: 7" in fields(answer)["text"]
    assert replicas() == 4


def test_in_one_container_both_changes_stand(browser: Browser) -> None:
    form = opened(browser)
    _templated_by_bob(env=[{"name": "COLOUR", "value": "red"}])
    form["text"] = form["text"].replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Always")
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert "Nobody changed what the other did" in answer.content.decode()
    assert browser.post(PAGE, {**fields(answer), "go": "save"}).status_code == 302
    (container,) = scenes.person().get("Deployment", "web", "shop")["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "COLOUR", "value": "red"}]
    assert container["imagePullPolicy"] == "Always"


def test_where_both_changed_the_same_either_value_can_be_taken(browser: Browser) -> None:
    form = opened(browser)
    _scaled_by_bob(4)
    form["text"] = form["text"].replace("replicas: 2", "replicas: 7").replace("paused: true", "paused: false")
    met = fields(browser.post(PAGE, {**form, "go": "save"}))
    theirs = browser.post(PAGE, {**met, "go": "theirs-0"})
    assert theirs.status_code == 200
    assert "replicas: 4" in fields(theirs)["text"]
    mine = fields(browser.post(PAGE, {**fields(theirs), "go": "mine-0"}))
    assert "replicas: 7" in mine["text"]
    assert replicas() == 4

    browser.post(PAGE, {**mine, "go": "save"})
    assert replicas() == 7


def test_a_press_after_which_the_status_alone_moved_on_counts(browser: Browser) -> None:
    met = _met_on_replicas(browser)
    _status_moves_on()
    theirs = browser.post(PAGE, {**met, "go": "theirs-0"})
    assert "replicas: 4" in fields(theirs)["text"]
    assert 'aria-pressed="true"><span class="meeting__whose">Theirs' in theirs.content.decode()


def test_a_press_after_which_somebody_changed_more_counts(browser: Browser) -> None:
    met = _met_on_replicas(browser)
    _templated_by_bob(env=[{"name": "COLOUR", "value": "red"}])
    text = fields(browser.post(PAGE, {**met, "go": "theirs-0"}))["text"]
    assert "replicas: 4" in text and "COLOUR" in text


def test_a_text_that_cannot_be_read_keeps_the_choice(browser: Browser) -> None:
    met = _met_on_replicas(browser)
    answer = browser.post(PAGE, {**met, "text": "a: [", "go": "check"})
    assert "<code>spec.replicas</code>" in answer.content.decode()
    theirs = browser.post(PAGE, {**fields(answer), "text": met["text"], "go": "theirs-0"})
    assert "replicas: 4" in fields(theirs)["text"]


def test_a_variable_that_both_gave_another_name_is_there_once(browser: Browser) -> None:
    _templated_by_bob(env=[{"name": "COLOUR", "value": "red"}])
    form = opened(browser)
    _templated_by_bob(env=[{"name": "SHADE", "value": "red"}])
    form["text"] = form["text"].replace("name: COLOUR", "name: HUE")
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert "containers[name=app].env</code>" in answer.content.decode()
    met = fields(answer)
    assert "HUE" in met["text"] and "SHADE" not in met["text"]
    theirs = fields(browser.post(PAGE, {**met, "go": "theirs-0"}))
    assert "SHADE" in theirs["text"] and "HUE" not in theirs["text"]


def test_what_the_other_took_away_can_be_taken_away(browser: Browser) -> None:
    client = scenes.person()
    client.patch(
        "Deployment", "web", {"metadata": {"labels": {"team": "shop"}}}, "application/merge-patch+json", "shop"
    )
    form = opened(browser)
    client.patch("Deployment", "web", {"metadata": {"labels": {"team": None}}}, "application/merge-patch+json", "shop")
    form["text"] = form["text"].replace("team: shop", "team: mine")
    answer = browser.post(PAGE, {**form, "go": "save"})
    assert "taken away" in answer.content.decode()
    assert "team" not in fields(browser.post(PAGE, {**fields(answer), "go": "theirs-0"}))["text"]


def test_the_revision_that_a_controller_counts_is_nobodys_change(browser: Browser) -> None:
    form = opened(browser)
    counted = {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}}
    scenes.hand(name="deployments").patch("Deployment", "web", counted, "application/merge-patch+json", "shop")
    form["text"] = form["text"].replace("replicas: 2", "replicas: 3")
    assert browser.post(PAGE, {**form, "go": "save"}).status_code == 302
    saved = scenes.person().get("Deployment", "web", "shop")
    assert saved["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "7"
    assert replicas() == 3


def test_a_status_that_moved_on_is_nobodys_change(browser: Browser) -> None:
    form = opened(browser)
    _status_moves_on()
    form["text"] = form["text"].replace("replicas: 2", "replicas: 3")
    assert browser.post(PAGE, {**form, "go": "save"}).status_code == 302
    assert replicas() == 3


def test_a_secret_is_not_shown_here(browser: Browser) -> None:
    answer = browser.get("/namespaces/shop/edit/Secret/web/")
    assert answer.status_code == 404
    assert b"open-sesame" not in answer.content


@pytest.mark.parametrize(
    ("page", "edits"),
    [
        ("/namespaces/shop/deployments/web/yaml/", "/namespaces/shop/edit/Deployment/web/"),
        ("/namespaces/shop/ingresses/web/yaml/", "/namespaces/shop/edit/Ingress/web/"),
        ("/namespaces/shop/configmaps/web/yaml/", "/namespaces/shop/edit/ConfigMap/web/"),
        ("/elbs/web/yaml/", "/edit/ELB/web/"),
        ("/namespaces/shop/yaml/", "/edit/Namespace/shop/"),
    ],
)
def test_the_yaml_tab_leads_to_the_editor(browser: Browser, page: str, edits: str) -> None:
    assert f'href="{edits}"' in browser.get(page).content.decode()
    assert browser.get(edits).status_code == 200


def test_who_may_only_read_is_offered_nothing_and_refused(browser: Browser) -> None:
    people.create_user(identity_of(scenes.user()), "bob", password="long enough", policies=[policies.READ_ONLY])
    bobs = signed_in("acme", "bob")
    assert b"/edit/" not in bobs.get("/namespaces/shop/deployments/web/yaml/").content
    assert bobs.get(PAGE).status_code == 403
    assert bobs.post(PAGE, {"text": "", "base": "", "version": "1", "go": "save"}).status_code == 403


def test_an_object_of_every_kind_can_be_saved_as_it_is(browser: Browser) -> None:
    for kind, name in (("Service", "web"), ("CronJob", "web"), ("PersistentVolumeClaim", "web"), ("Pod", "lonely")):
        page = f"/namespaces/shop/edit/{kind}/{name}/"
        assert browser.post(page, {**opened(browser, page), "go": "save"}).status_code == 302, kind


def _met_on_replicas(browser: Browser) -> dict[str, str]:
    """Ours are 7, theirs 4."""
    form = opened(browser)
    _scaled_by_bob(4)
    form["text"] = form["text"].replace("replicas: 2", "replicas: 7")
    return fields(browser.post(PAGE, {**form, "go": "save"}))


def _status_moves_on() -> None:
    told = scenes.person().get("Deployment", "web", "shop")
    told["status"]["readyReplicas"] = 2
    scenes.hand(name="deployments").update("Deployment", "web", told, "shop", subresource="status")


def _scaled_by_bob(count: int) -> None:
    bob = scenes.person(name="bob")
    found = bob.get("Deployment", "web", "shop")
    found["spec"]["replicas"] = count
    bob.update("Deployment", "web", found, "shop")


def _templated_by_bob(**changes: Any) -> None:
    bob = scenes.person(name="bob")
    found = bob.get("Deployment", "web", "shop")
    found["spec"]["template"]["spec"]["containers"][0].update(changes)
    bob.update("Deployment", "web", found, "shop")
