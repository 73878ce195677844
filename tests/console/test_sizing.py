"""Cost tabs say why a size is billed and what a smaller one would save; one click takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client as Browser

from tests import manifests
from tests.console import scenes
from workloads.meta.quantity import MIB
from workloads.store import usagehours
from workloads.store.usagehours import Place, Used

COST, RESIZE = "/namespaces/shop/deployments/big/cost/", "/namespaces/shop/deployments/big/resize/"


@pytest.fixture
def big(browser: Browser) -> None:
    """A Deployment of 2 pods with 4 cores and 8 GiB, which need 0.4 cores and 1 GiB."""
    scenes.namespace("shop")
    manifest = manifests.deployment("big", replicas=2)
    size = {"cpu": "4", "memory": "8Gi"}
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": size, "requests": size}
    scenes.person().create("Deployment", manifest, "shop")


def measured(hours: int = 48) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for back in range(hours):
        used = Used(100, 400, 900 * MIB, {120: 100})
        usagehours.add(now - timedelta(hours=back), {Place("acme", "shop", "Deployment", "big", "app"): used})


def test_the_cost_tab_says_why_and_what_would_do(big: None, browser: Browser) -> None:
    measured()
    page = browser.get(COST).content.decode()

    assert "Why this size and price" in page
    assert "0.5 cores, 2 GiB would do." in page
    assert "Seen in 48 hours of the last week, 4800 readings" in page


def test_without_evidence_it_says_so(big: None, browser: Browser) -> None:
    measured(hours=3)

    assert "not enough is known yet: 3 of 24 hours" in browser.get(COST).content.decode()


def test_one_click_takes_it_and_names_the_rollout_before(big: None, browser: Browser) -> None:
    measured()
    asked = browser.get(RESIZE).content.decode()
    assert "All 2 pods are replaced, step by step" in asked

    browser.post(RESIZE, {"size": "0.50_2.0"})
    template = scenes.person().get("Deployment", "big", "shop")["spec"]["template"]
    assert template["metadata"]["annotations"]["resource.cci.io/pod-size-specs"] == "0.50_2.0"


def test_advice_that_has_changed_meanwhile_is_asked_again(big: None, browser: Browser) -> None:
    measured()
    browser.post(RESIZE, {"size": "0.25_1.0"})

    template = scenes.person().get("Deployment", "big", "shop")["spec"]["template"]
    assert template["spec"]["containers"][0]["resources"]["limits"]["cpu"] == "4"


def test_under_a_budget_without_room_a_smaller_size_is_offered_without_a_pod_more(big: None, browser: Browser) -> None:
    """A rolling update would run the old size and the new one side by side."""
    measured()
    scenes.budget("cap", amount="0.0001", action="stop")
    asked = browser.get(RESIZE).content.decode()
    assert "Use this size" in asked and "replaced one by one" in asked and "maxSurge 0" in asked

    assert browser.post(RESIZE, {"size": "0.50_2.0", "way": "as-always"}).status_code == 200, "not what was read before"
    browser.post(RESIZE, {"size": "0.50_2.0", "way": "one-by-one"})
    spec = scenes.person().get("Deployment", "big", "shop")["spec"]
    assert spec["template"]["metadata"]["annotations"]["resource.cci.io/pod-size-specs"] == "0.50_2.0"
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_with_room_in_the_budget_the_upgrade_policy_stays(big: None, browser: Browser) -> None:
    measured()
    scenes.budget("cap", amount="1000", action="stop")
    browser.post(RESIZE, {"size": "0.50_2.0", "way": "as-always"})
    spec = scenes.person().get("Deployment", "big", "shop")["spec"]
    assert spec["template"]["metadata"]["annotations"]["resource.cci.io/pod-size-specs"] == "0.50_2.0"
    assert spec["strategy"]["rollingUpdate"]["maxSurge"] == "25%"
