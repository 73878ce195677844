"""The Scaling tab: the autoscaler and the policies of a deployment, changed in dialogs that say what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests import manifests
from tests.console import scenes
from tests.console.test_pages import text_of

TAB = "/namespaces/shop/deployments/web/scaling/"
AUTOSCALER, POLICY = f"{TAB}autoscaler/", f"{TAB}policy/"
ALARM = {
    "name": "busy",
    "metric": "cpu",
    "operator": ">",
    "threshold": "70",
    "period": "60",
    "count": "2",
    "action": "add",
    "pods": "2",
    "min_pods": "1",
    "max_pods": "8",
    "graceful_window": "60",
}
COMMON = {"action": "set", "pods": "3", "min_pods": "1", "max_pods": "8"}
JSON = dict[str, Any]

pytestmark = pytest.mark.usefixtures("shop")


def policy(name: str) -> JSON:
    return scenes.person().get("ScalingPolicy", name, "shop")


def test_a_deployment_begins_without_either(browser: Browser) -> None:
    text = text_of(browser, TAB)
    assert "Off. It keeps the average load near a target" in text
    assert "at most 4 alarms and 10 others" in text


def test_the_autoscaler_is_switched_on_changed_and_off(browser: Browser) -> None:
    fields = {"least": "1", "most": "5", "cpu": "60", "memory": ""}
    assert browser.post(AUTOSCALER, fields).status_code == 302
    spec = scenes.person().get("HorizontalPodAutoscaler", "web", "shop")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"], len(spec["metrics"])) == (1, 5, 1)
    text = text_of(browser, TAB)
    assert "of 1 to 5" in text
    assert "cpu: &lt;unknown&gt;/60%" in text
    browser.post(AUTOSCALER, {**fields, "memory": "75"})
    metrics = scenes.person().get("HorizontalPodAutoscaler", "web", "shop")["spec"]["metrics"]
    assert [one["resource"]["name"] for one in metrics] == ["cpu", "memory"]
    assert "Type <strong>web</strong> to confirm" in browser.get(f"{AUTOSCALER}?do=delete").content.decode()
    assert browser.post(AUTOSCALER, {**fields, "do": "delete"}).status_code == 422
    assert scenes.person().list("HorizontalPodAutoscaler").items != []
    browser.post(AUTOSCALER, {"do": "delete", "word": "web"})
    assert scenes.person().list("HorizontalPodAutoscaler").items == []
    assert browser.post(AUTOSCALER, {"do": "delete", "word": "web"}).status_code == 302
    assert "It is gone already." in browser.get(TAB).content.decode()


def test_what_the_simple_form_does_not_show_is_kept(browser: Browser) -> None:
    value = {"type": "AverageValue", "averageValue": "100Mi"}
    memory = {"type": "Resource", "resource": {"name": "memory", "target": value}}
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 60}}
    scenes.person().create("HorizontalPodAutoscaler", manifests.autoscaler(metrics=[memory], behavior=behavior), "shop")
    browser.post(AUTOSCALER, {"least": "2", "most": "5", "cpu": "60", "memory": ""})
    spec = scenes.person().get("HorizontalPodAutoscaler", "web", "shop")["spec"]
    assert [one["resource"]["name"] for one in spec["metrics"]] == ["cpu", "memory"]
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 60


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"least": "1", "most": "5", "cpu": "", "memory": ""}, "cpu", "Give a target for CPU"),
        ({"least": "6", "most": "5", "cpu": "50", "memory": ""}, "most", "greater than or equal to `minReplicas`"),
    ],
)
def test_what_is_wrong_with_the_autoscaler_stands_at_its_field(
    browser: Browser, fields: dict[str, str], field: str, words: str
) -> None:
    answer = browser.post(AUTOSCALER, fields)
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])


def test_each_type_of_policy_is_made(browser: Browser) -> None:
    timed = {**COMMON, "name": "once", "at": "2099-01-31T08:00"}
    periodic = {**COMMON, "name": "daily", "schedule": "0 8 * * 1-5", "zone": "Asia/Shanghai"}
    for type, fields in (("alarm", ALARM), ("timed", timed), ("periodic", periodic)):
        answer = browser.post(f"{POLICY}?type={type}", fields)
        assert answer.status_code == 302, answer.context["form"].errors
    assert policy("busy")["spec"]["alarm"]["thresholdPercent"] == 70
    assert policy("once")["spec"]["timed"]["at"] == "2099-01-31T08:00:00Z"
    assert policy("daily")["spec"]["periodic"]["timeZone"] == "Asia/Shanghai"
    text = text_of(browser, TAB)
    assert "CPU &gt; 70 %, 2 times" in text
    assert "3 of 14" in text


def test_a_policy_is_changed_rests_acts_again_and_goes(browser: Browser) -> None:
    browser.post(f"{POLICY}?type=alarm", ALARM)
    own = f"{POLICY}?policy=busy"
    page = browser.get(own).content.decode()
    assert 'value="70"' in page
    browser.post(own, {**ALARM, "threshold": "90"})
    assert policy("busy")["spec"]["alarm"]["thresholdPercent"] == 90
    browser.post(own, {"do": "disable"})
    assert not policy("busy")["spec"]["enabled"]
    assert "Rests" in text_of(browser, TAB)
    browser.post(own, {"do": "enable"})
    assert policy("busy")["spec"]["enabled"]
    question = browser.get(f"{own}&do=delete").content.decode()
    assert "Delete policy busy?" in question and "Type <strong>busy</strong> to confirm" in question
    assert browser.post(own, {"do": "delete", "policy": "busy", "word": "web"}).status_code == 422
    browser.post(POLICY, {"do": "delete", "policy": "busy", "word": "busy"})
    assert scenes.person().list("ScalingPolicy").items == []


def test_enter_in_a_field_saves_and_deletes_nothing(browser: Browser) -> None:
    browser.post(f"{POLICY}?type=alarm", ALARM)
    for url in (AUTOSCALER, f"{POLICY}?policy=busy"):
        form = browser.get(url).content.decode().partition('id="confirm"')[2]
        first = form[form.index("<button") : form.index("</button>")]
        assert first.endswith(">Save")
        assert "name=" not in first


@pytest.mark.parametrize(
    ("type", "fields", "field", "words"),
    [
        ("alarm", {**ALARM, "threshold": "0"}, "threshold", "greater than or equal to 1"),
        ("alarm", {**ALARM, "min_pods": "9"}, "max_pods", "greater than or equal to `minPods`"),
        ("alarm", {**ALARM, "name": "No Name"}, "name", "lowercase RFC 1123"),
        ("timed", {**COMMON, "name": "once", "at": "2001-01-01T00:00"}, "at", "Must lie in the future"),
        ("timed", {**COMMON, "name": "once", "at": "2099-01-01T00:00", "pods": "9"}, "pods", "between minPods"),
        ("periodic", {**COMMON, "name": "x", "schedule": "often", "zone": "UTC"}, "schedule", "5 fields"),
        ("periodic", {**COMMON, "name": "x", "schedule": "@daily", "zone": "Mars"}, "zone", "nknown time zone"),
    ],
)
def test_what_is_wrong_with_a_policy_stands_at_its_field(
    browser: Browser, type: str, fields: dict[str, str], field: str, words: str
) -> None:
    answer = browser.post(f"{POLICY}?type={type}", fields)
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])


def test_the_fifth_alarm_and_a_name_that_is_taken_are_refused_in_words(browser: Browser) -> None:
    browser.post(f"{POLICY}?type=alarm", ALARM)
    taken = browser.post(f"{POLICY}?type=alarm", ALARM)
    assert "already exists" in " ".join(taken.context["form"].errors["name"])
    for number in range(3):
        browser.post(f"{POLICY}?type=alarm", {**ALARM, "name": f"busy-{number}"})
    fifth = browser.post(f"{POLICY}?type=alarm", {**ALARM, "name": "too-many"})
    assert "at most 4 are allowed" in " ".join(fifth.context["form"].non_field_errors())


def test_a_policy_of_another_deployment_does_not_exist_here(browser: Browser) -> None:
    periodic = {"schedule": "@daily", "action": {"type": "set", "pods": 3}}
    made = manifests.scaling_policy(targetRef={"name": "other"}, periodic=periodic)
    scenes.person().create("ScalingPolicy", made, "shop")
    assert browser.get(f"{POLICY}?policy=rule").status_code == 404
    assert browser.post(f"{POLICY}?policy=rule", {"do": "delete"}).status_code == 404
