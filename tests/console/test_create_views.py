"""The switch of the forms that create: a draft is seen as a form or as YAML, and is one draft in both."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
import yaml
from django.http import HttpResponse
from django.test import Client as Browser

from tests import manifests
from tests.console import scenes

PAGE = "/create/deployment/"
WEB = {
    "step": "access",
    "name": "api",
    "namespace": "shop",
    "replicas": "2",
    "size": "0.50_1.0",
    "containers-0-name": "app",
    "containers-0-image": manifests.IMAGE,
    "max_surge": "not yet",
}


def area_of(response: HttpResponse, name: str) -> str:
    found = re.search(rf'<textarea[^\n]* name="{name}"[^\n]*>\n(.*?)</textarea>', response.content.decode(), re.DOTALL)
    return unescape(found[1]) if found else ""


def value_of(response: HttpResponse, name: str) -> str:
    found = re.search(rf'<input[^>]* name="{name}"[^>]*? value="([^"]*)"', response.content.decode())
    return unescape(found[1]) if found else ""


def as_yaml(browser: Browser, fields: dict[str, str] = WEB) -> Any:
    return browser.post(PAGE, fields | {"go": "view-yaml"})


def back(browser: Browser, page: HttpResponse, text: str, go: str = "view-form") -> Any:
    return browser.post(PAGE, {"view": "yaml", "fields": value_of(page, "fields"), "text": text, "go": go})


def test_the_yaml_of_a_draft_is_what_would_be_created(shop: None, browser: Browser) -> None:
    page = as_yaml(browser, WEB | {"access": "public", "access-port-0-port": "80"})

    objects = list(yaml.safe_load_all(area_of(page, "text")))
    assert [one["kind"] for one in objects] == ["Deployment", "Service", "Ingress"]
    assert objects[0]["spec"]["template"]["metadata"]["annotations"] == {"resource.cci.io/pod-size-specs": "0.50_1.0"}


def test_back_in_the_form_everything_typed_is_there_on_the_step_it_was_left_on(shop: None, browser: Browser) -> None:
    page = as_yaml(browser)
    form = back(browser, page, area_of(page, "text"))

    assert (value_of(form, "step"), value_of(form, "max_surge"), value_of(form, "name")) == ("access", "not yet", "api")


def test_what_is_changed_in_yaml_is_in_the_form_and_what_it_cannot_show_is_listed(shop: None, browser: Browser) -> None:
    page = as_yaml(browser)
    text = area_of(page, "text").replace("replicas: 2", "replicas: 3\n  minReadySeconds: 9")
    form = back(browser, page, text)

    assert value_of(form, "replicas") == "3"
    assert "<code>spec.minReadySeconds</code>" in form.content.decode()


def test_comments_are_there_again_until_the_form_says_another_thing(shop: None, browser: Browser) -> None:
    page = as_yaml(browser)
    form = back(browser, page, "# ours\n" + area_of(page, "text"))
    fields = json.loads(value_of(page, "fields")) | {"typed": area_of(form, "typed"), "kept": value_of(form, "kept")}

    assert area_of(as_yaml(browser, fields), "text").startswith("# ours\n")
    assert not area_of(as_yaml(browser, fields | {"replicas": "7"}), "text").startswith("#")


def test_a_text_that_stays_yaml_says_why_and_stays_as_it_is(shop: None, browser: Browser) -> None:
    page = as_yaml(browser)
    text = area_of(page, "text").replace("kind: Deployment", "kind: Job").replace("apps/v1", "batch/v1")
    answer = back(browser, page, text)

    assert answer.status_code == 422
    assert "There is no" not in answer.content.decode()
    assert "The form shows one Deployment and no other workload; this text has Job shop/api" in answer.content.decode()
    assert area_of(answer, "text") == text


def test_a_draft_kept_in_the_tab_comes_back_as_yaml(shop: None, browser: Browser) -> None:
    page = as_yaml(browser)
    answer = back(browser, page, "kind: [", go="restore")

    assert answer.status_code == 200
    assert area_of(answer, "text") == "kind: ["
    assert "Stays YAML" in answer.content.decode()


def test_from_yaml_one_goes_on_to_confirm_and_creates_what_it_says(shop: None, browser: Browser) -> None:
    config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: site}\ndata: {a: b}\n"
    page = as_yaml(browser, WEB | {"max_surge": "1"})
    text = area_of(page, "text").replace("replicas: 2", "replicas: 2\n  minReadySeconds: 9") + config
    confirm = back(browser, page, text, go="confirm")
    assert value_of(confirm, "step") == "confirm", confirm.content.decode()

    browser.post(PAGE, WEB | {"max_surge": "1", "step": "confirm", "kept": value_of(confirm, "kept"), "go": "submit"})

    assert scenes.person().get("Deployment", "api", "shop")["spec"]["minReadySeconds"] == 9
    assert scenes.person().get("ConfigMap", "site", "shop")["data"] == {"a": "b"}


def test_a_field_that_there_is_not_is_refused_by_name(shop: None, browser: Browser) -> None:
    page = as_yaml(browser, WEB | {"max_surge": "1"})
    answer = back(
        browser, page, area_of(page, "text").replace("replicas: 2", "replicas: 2\n  repicas: 3"), go="confirm"
    )

    assert answer.status_code == 422
    assert "spec.repicas" in answer.content.decode()


def test_what_is_kept_can_be_left_out(shop: None, browser: Browser) -> None:
    page = as_yaml(browser)
    form = back(browser, page, area_of(page, "text").replace("replicas: 2", "replicas: 2\n  paused: true"))
    answer: Any = browser.post(PAGE, WEB | {"kept": value_of(form, "kept"), "go": "leave-out-0"})

    assert value_of(answer, "kept") == ""


@pytest.mark.parametrize("wrong", [{"kept": "{}"}, {"kept": "["}, {"view": "yaml", "fields": "[]"}])
def test_what_the_page_never_sent_is_refused_with_a_sentence(
    shop: None, browser: Browser, wrong: dict[str, str]
) -> None:
    answer = browser.post(PAGE, WEB | wrong | {"go": "look"})

    assert answer.status_code == 400
    assert "Load the form again." in answer.content.decode()


@pytest.mark.parametrize(("kind", "name"), [("Deployment", "web"), ("Job", "web"), ("CronJob", "web")])
def test_a_clone_opens_in_the_form_with_nothing_but_the_names_changed(
    shop: None, browser: Browser, kind: str, name: str
) -> None:
    page: Any = browser.get(f"/create/{kind.lower()}/?namespace=shop&clone={kind}/{name}")

    assert page.status_code == 200
    assert value_of(page, "name") == f"{name}-copy"
    assert "securityContext" not in page.content.decode()
    assert "schedulerName" not in page.content.decode()
