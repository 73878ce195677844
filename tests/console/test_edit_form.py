"""A workload that is there is changed in the form that creates one: filled, tried, met by others, saved."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client as Browser

from console.forms.readback import StaysYaml
from tests.console import scenes
from tests.console.scenes import person
from workloads.client import JSON

PAGE = "/namespaces/shop/deployments/web/edit/"
YAML = "/namespaces/shop/edit/Deployment/web/"
FIELD = re.compile(r'<input[^>]*\bname="([^"]+)"[^>]*>')
VALUE = re.compile(r'\bvalue="([^"]*)"')


def opened(browser: Browser, url: str = PAGE) -> dict[str, str]:
    """The fields of the form as a browser would send them."""
    return fields_of(browser.get(url).content.decode())


def fields_of(html: str) -> dict[str, str]:
    form = html[html.index('id="create"') :]
    found: dict[str, str] = {}
    for match in FIELD.finditer(form):
        tag = match[0]
        if ("radio" in tag or "checkbox" in tag) and " checked" not in tag:
            continue
        value = VALUE.search(tag)
        found[match[1]] = unescape(value[1]) if value else "on"
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        found[name] = unescape(chosen[1]) if chosen else ""
    for name, text in re.findall(r'<textarea\b[^\n]*? name="([^"]+)"[^\n]*>\n(.*?)</textarea>', form, re.S):
        found[name] = unescape(text)
    return found


def sent(browser: Browser, fields: dict[str, str], **changes: str) -> str:
    return browser.post(PAGE, {**fields, **changes}).content.decode()


def stored() -> JSON:
    found: JSON = person().get("Deployment", "web", "shop")
    return found


def patch(body: dict[str, Any]) -> None:
    person().patch("Deployment", "web", body, "application/merge-patch+json", "shop")


def status_moves_on() -> None:
    obj = stored()
    obj["status"] = {**obj["status"], "readyReplicas": 2}
    scenes.hand(name="deployments").update("Deployment", "web", obj, "shop", subresource="status")


def met_on_replicas(browser: Browser) -> str:
    """Ours are 5, theirs 4."""
    fields = opened(browser)
    patch({"spec": {"replicas": 4}})
    return sent(browser, fields, replicas="5", description="Sells.", step="confirm", go="submit")


def test_the_form_is_filled_from_what_is_stored(shop: None, browser: Browser) -> None:
    fields = opened(browser)
    assert (fields["name"], fields["replicas"], fields["containers-0-name"]) == ("web", "2", "app")
    assert fields["version"] == stored()["metadata"]["resourceVersion"]
    page = browser.get("/namespaces/shop/deployments/web/").content.decode()
    assert f'href="{PAGE}"' in page


def test_nothing_changes_while_nobody_changes_anything(shop: None, browser: Browser) -> None:
    shown = sent(browser, opened(browser), go="confirm")
    assert "Nothing: this is what is stored already." in shown
    assert ">Save<" not in shown


def test_what_changes_and_its_price_stand_before_it_is_saved(shop: None, browser: Browser) -> None:
    shown = sent(browser, opened(browser), replicas="5", go="confirm")
    assert "replicas: 2" in shown and "replicas: 5" in shown
    assert "an hour more than now" in shown
    assert stored()["spec"]["replicas"] == 2

    answer = browser.post(PAGE, {**fields_of(shown), "go": "submit"})
    assert answer.headers["Location"] == "/namespaces/shop/deployments/web/"
    assert stored()["spec"]["replicas"] == 5


def test_what_a_container_may_use_is_said_in_cores(shop: None, browser: Browser) -> None:
    shown = sent(browser, opened(browser), replicas="3", step="basic", go="confirm")
    assert "0.25 cores, 1 GiB at most" in shown
    assert "250m cores" not in shown


def test_what_the_form_has_no_field_for_stays(shop: None, browser: Browser) -> None:
    patch({"metadata": {"labels": {"team": "shop"}}, "spec": {"minReadySeconds": 7}})
    before = stored()
    browser.post(PAGE, {**opened(browser), "description": "Sells.", "step": "confirm", "go": "submit"})
    after = stored()
    assert after["metadata"]["annotations"]["description"] == "Sells."
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["spec"] == before["spec"]


def test_a_refusal_stands_at_its_field(shop: None, browser: Browser) -> None:
    answer = browser.post(PAGE, {**opened(browser), "containers-0-cpu": "0.3", "go": "advanced"})
    assert answer.status_code == 422
    assert 'id="id_containers-0-cpu_error"' in answer.content.decode()


def test_whom_somebody_else_met_sees_both_and_loses_nothing(shop: None, browser: Browser) -> None:
    fields = opened(browser)
    patch({"spec": {"minReadySeconds": 9, "replicas": 4}})
    shown = sent(browser, fields, replicas="5", description="Sells.", step="confirm", go="submit")
    assert "Somebody changed it while you were at it." in shown
    assert "minReadySeconds: 9" in shown and "<code>spec.replicas</code>" in shown
    assert stored()["spec"]["replicas"] == 4

    browser.post(PAGE, {**fields_of(shown), "go": "submit"})
    after = stored()
    assert (after["spec"]["replicas"], after["spec"]["minReadySeconds"]) == (5, 9)
    assert after["metadata"]["annotations"]["description"] == "Sells."


def test_where_both_changed_the_same_either_value_can_be_taken(shop: None, browser: Browser) -> None:
    theirs = sent(browser, fields_of(met_on_replicas(browser)), go="theirs-0")
    assert fields_of(theirs)["replicas"] == "4"
    assert 'aria-pressed="true"><span class="meeting__whose">Theirs' in theirs

    browser.post(PAGE, {**fields_of(theirs), "go": "submit"})
    after = stored()
    assert (after["spec"]["replicas"], after["metadata"]["annotations"]["description"]) == (4, "Sells.")


def test_a_press_after_which_the_status_alone_moved_on_counts(shop: None, browser: Browser) -> None:
    met = met_on_replicas(browser)
    status_moves_on()
    theirs = sent(browser, fields_of(met), step="confirm", go="theirs-0")
    assert fields_of(theirs)["replicas"] == "4"
    assert 'aria-pressed="true"><span class="meeting__whose">Theirs' in theirs
    assert ">Save<" in theirs
    assert browser.post(PAGE, {**fields_of(theirs), "go": "submit"}).status_code == 302
    assert stored()["spec"]["replicas"] == 4


def test_a_press_after_which_somebody_changed_more_counts(shop: None, browser: Browser) -> None:
    met = met_on_replicas(browser)
    patch({"spec": {"minReadySeconds": 9}})
    theirs = sent(browser, fields_of(met), step="confirm", go="theirs-0")
    assert "minReadySeconds: 9" in theirs
    assert fields_of(theirs)["replicas"] == "4"


@pytest.mark.parametrize("go", ["basic", "advanced", "add-container", "look", "restore"])
def test_whatever_is_pressed_the_choice_stays(shop: None, browser: Browser, go: str) -> None:
    met = met_on_replicas(browser)
    shown = sent(browser, fields_of(met), go=go)
    assert "<code>spec.replicas</code>" in shown
    assert 'aria-pressed="true"><span class="meeting__whose">Yours' in shown
    assert "nothing has to be chosen" not in shown


def test_the_yaml_view_keeps_the_choice(shop: None, browser: Browser) -> None:
    shown = sent(browser, fields_of(met_on_replicas(browser)), go="view-yaml")
    back = sent(browser, fields_of(shown), go="view-form")
    assert "<code>spec.replicas</code>" in back
    theirs = sent(browser, fields_of(back), go="theirs-0")
    assert fields_of(theirs)["replicas"] == "4"


@pytest.mark.parametrize("go", ["look", "confirm", "theirs-0"])
def test_what_the_api_cannot_read_is_refused_beside_the_choice(shop: None, browser: Browser, go: str) -> None:
    fields = fields_of(sent(browser, fields_of(met_on_replicas(browser)), go="view-yaml"))
    fields["text"] = re.sub(r"  strategy:\n(    .*\n)+", "  strategy: often\n", fields["text"])
    assert "strategy: often" in fields["text"]
    answer = browser.post(PAGE, {**fields_of(sent(browser, fields, go="view-form")), "go": go})
    assert answer.status_code == (200 if go == "look" else 422)
    assert "<code>spec.replicas</code>" in answer.content.decode()


def test_the_yaml_editor_goes_on_with_the_choice_of_the_yaml_view(shop: None, browser: Browser) -> None:
    shown = sent(browser, fields_of(met_on_replicas(browser)), go="view-yaml")
    answer = browser.post(YAML, {**fields_of(shown), "go": "check"})
    assert "<code>spec.replicas</code>" in answer.content.decode()


def test_two_changes_that_no_form_can_show_together_go_on_as_yaml(shop: None, browser: Browser) -> None:
    """Each adds a container of the same name, one of them an init container."""
    fields = opened(browser)
    (app,) = stored()["spec"]["template"]["spec"]["containers"]
    patch({"spec": {"template": {"spec": {"initContainers": [{**app, "name": "log", "command": ["first"]}]}}}})
    before = stored()
    second = {name.replace("-0-", "-1-"): value for name, value in fields.items() if name.startswith("containers-0-")}
    changed = second | {"containers-1-name": "log", "containers-1-args": "second", "step": "confirm"}
    answer = browser.post(PAGE, {**fields, **changed, "go": "submit"})
    shown = answer.content.decode()
    assert "edited as YAML: Two containers are called log" in shown
    assert f'action="{YAML}"' in shown and answer.headers["HX-Push-Url"] == YAML
    assert "Somebody changed it while you were at it." in shown
    assert stored() == before

    kept = dict(re.findall(r'<textarea[^\n]*? name="(\w+)"[^\n]*>\n(.*?)</textarea>', shown, re.S))
    text = unescape(kept["text"])
    assert "- first" in text and "- second" in text, text
    assert "- first" in unescape(kept["base"]) and "- first" not in unescape(kept["older"])
    version = re.search(r'name="version" value="(\d+)"', shown)
    assert version and version[1] == before["metadata"]["resourceVersion"]


def test_a_status_alone_meets_nobody(shop: None, browser: Browser) -> None:
    fields = opened(browser)
    status_moves_on()
    assert browser.post(PAGE, {**fields, "replicas": "3", "step": "confirm", "go": "submit"}).status_code == 302


def test_the_draft_is_shown_as_yaml_and_back(shop: None, browser: Browser) -> None:
    shown = sent(browser, opened(browser), replicas="3", go="view-yaml")
    fields = fields_of(shown)
    assert "replicas: 3" in fields["text"]
    back = fields_of(sent(browser, fields, text=fields["text"].replace("replicas: 3", "replicas: 6"), go="view-form"))
    assert back["replicas"] == "6" and back["version"] == fields["version"]


def test_what_no_form_can_show_is_edited_as_yaml(shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def stays(*_given: object) -> dict[str, str]:
        raise StaysYaml("Two containers are called app.")

    monkeypatch.setattr("console.forms.readback.read", stays)
    answer = browser.get(PAGE, follow=True)
    assert answer.redirect_chain == [("/namespaces/shop/edit/Deployment/web/", 302)]
    assert "edited as YAML: Two containers are called app." in answer.content.decode()


def test_a_cronjob_is_changed_in_its_form(shop: None, browser: Browser) -> None:
    url = "/namespaces/shop/cronjobs/web/edit/"
    fields = opened(browser, url) | {"rule": "daily", "time": "04:30", "step": "confirm", "go": "submit"}
    assert browser.post(url, fields).headers["Location"] == "/namespaces/shop/cronjobs/web/"
    assert person().get("CronJob", "web", "shop")["spec"]["schedule"] == "30 4 * * *"


def test_who_may_not_is_refused(shop: None, readers_browser: Browser) -> None:
    assert readers_browser.get(PAGE).status_code == 403
    assert PAGE not in readers_browser.get("/namespaces/shop/deployments/web/").content.decode()


@pytest.mark.parametrize("base", ["", "nothing: here", "a: [b"])
def test_a_base_that_no_form_sent_is_refused(shop: None, browser: Browser, base: str) -> None:
    assert browser.post(PAGE, {**opened(browser), "base": base, "version": "1", "go": "confirm"}).status_code == 400
