"""Network: ELBs, Services and Ingresses in lists, on their pages, in the form that makes an ELB, and deleted."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from billing import meter
from iam import people
from iam.identities import identity_of
from tests import manifests
from tests.console import scenes
from tests.console.conftest import signed_in
from workloads.client import JSON
from workloads.elb.complaints import Complaints
from workloads.meta.errors import NotFound
from workloads.meta.keys import Key
from workloads.verbs import proxy


def text(browser: Browser, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def balanced(name: str = "db") -> JSON:
    return scenes.person().create("Service", manifests.service(name, port=5432, type="LoadBalancer"), "shop").obj


def address(name: str) -> str:
    return str(scenes.person().get("ELB", name)["spec"]["address"])


def test_the_list_says_where_an_elb_is_and_for_whom(shop: None, browser: Browser) -> None:
    shown = text(browser, "/elbs/")
    for words in ("1 of 10 of the account", address("web"), "80/HTTP", "Ingress web"):
        assert words in shown


def test_without_elbs_the_list_says_what_they_are(browser: Browser) -> None:
    assert "The first workload that asks for one makes the ELB" in text(browser, "/elbs/")


def test_an_elb_shows_its_listeners_and_who_is_ready_behind(shop: None, browser: Browser) -> None:
    scenes.endpoints("web", ready=("a", "b"), unready=("c",))
    shown = text(browser, "/elbs/web/")
    for words in ("shop.example.com/", "/namespaces/shop/services/web/", "/namespaces/shop/ingresses/web/", "2/3"):
        assert words in shown
    assert "kubernetes.io/elb.id" in text(browser, "/elbs/web/use/")


def test_an_elb_says_what_the_pods_behind_it_cost(shop: None, browser: Browser) -> None:
    while meter.read_once():
        pass
    scenes.endpoints("web", ready=("web-0001-aaaaa",))
    shown = text(browser, "/elbs/web/")
    assert "Pods behind it cost" in shown and "33 % of all that runs" in shown  # one of three pods


def test_an_elb_says_who_is_not_served(shop: None, browser: Browser) -> None:
    balanced("first")
    balanced("second")
    scenes.elbs_told()
    assert "Listener port is repeated: 5432/TCP belongs to Service shop/" in text(browser, "/elbs/default/")
    assert "Listener port is repeated" in text(browser, "/services/?state=look")


def test_a_certificate_that_is_missing_stands_at_its_listener(shop: None, browser: Browser) -> None:
    scenes.person().create("Ingress", manifests.ingress("safe", tls=[{"secretName": "cert"}]), "shop")
    scenes.elbs_told()
    shown = text(browser, "/elbs/default/")
    assert "Certificates on 443" in shown and "does not exist" in shown


def test_the_form_makes_an_elb(shop: None, browser: Browser) -> None:
    answer = browser.post("/create/elb/", {"go": "submit", "name": "shop", "description": "For the shop."})
    assert answer.headers["Location"] == "/elbs/shop/"
    assert "For the shop." in text(browser, "/elbs/shop/")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Give the ELB a name"),
        ({"name": "No"}, "lower case"),
        ({"name": "web"}, "has an ELB of this name already"),
        ({"address": "10.0.0.1"}, "s not one of this installation"),
    ],
)
def test_a_refusal_stands_at_its_field(shop: None, browser: Browser, change: JSON, words: str) -> None:
    answer = browser.post("/create/elb/", {"go": "submit", "name": "shop"} | change)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert f'id="id_{next(iter(change))}_error"' in answer.content.decode()


def test_an_elb_that_is_used_is_not_deleted(shop: None, browser: Browser) -> None:
    assert "Ingress shop/web" in text(browser, "/elbs/web/delete/")
    answer = browser.post("/elbs/web/delete/", {"word": "web"})
    assert answer.status_code == 409 and "reached through it" in answer.content.decode()
    scenes.person().delete("Ingress", "web", "shop")
    assert browser.post("/elbs/web/delete/", {"word": "web"}).headers["Location"] == "/elbs/"
    with pytest.raises(NotFound):
        scenes.person().get("ELB", "web")


def test_who_may_not_make_elbs_is_not_offered_it(shop: None) -> None:
    admin = identity_of(scenes.user())
    people.create_user(admin, "cora", password="long enough", policies=["CCI CommonOperations"])
    shown = text(signed_in("acme", "cora"), "/elbs/")
    assert "80/HTTP" in shown and "Create an ELB" not in shown


def test_services_say_where_they_are_reached(shop: None, browser: Browser) -> None:
    balanced()
    scenes.endpoints("db", ready=("a",))
    scenes.elbs_told()
    shown = text(browser, "/services/")
    for words in ("2 Services in all namespaces", f"{address('default')}:5432", "Serving", "Nobody there", "1/1"):
        assert words in shown


def test_a_service_has_its_pages(shop: None, browser: Browser) -> None:
    scenes.endpoints("web", ready=("lonely",), unready=("other",))
    shown = text(browser, "/namespaces/shop/services/web/")
    for words in ("web:80", "web.shop.svc.cluster.local", "http://shop.example.com/", "app=web", "1/2"):
        assert words in shown
    behind = text(browser, "/namespaces/shop/services/web/backends/")
    assert "/namespaces/shop/pods/lonely/" in behind and "gets nothing until it is" in behind


def test_ingresses_say_what_is_wrong_and_where_they_lead(shop: None, browser: Browser) -> None:
    scenes.person().create("Ingress", manifests.ingress("api", host="api.example.com"), "shop")
    scenes.elbs_told()
    shown = text(browser, "/namespaces/shop/ingresses/")
    assert "Service shop/api does not exist" in shown and "no pod is ready behind web" in shown
    assert "http://api.example.com/" in text(browser, "/namespaces/shop/ingresses/api/")


@pytest.mark.parametrize("kind", ["Service", "Ingress"])
def test_deletion_says_who_loses_their_way(shop: None, browser: Browser, kind: str) -> None:
    url = f"/namespaces/shop/{'services' if kind == 'Service' else 'ingresses'}/web/delete/"
    shown = text(browser, url)
    assert ("answer 503 where they led to it: web" if kind == "Service" else "shop.example.com/") in shown
    assert browser.post(url, {"word": "web"}).status_code == 302
    with pytest.raises(NotFound):
        scenes.person().get(kind, "web", "shop")


def test_an_elb_tells_what_it_is_asked_now(shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "port": 443,
        "layer": "http",
        "seconds": 5.0,
        "perSecond": 128.4,
        "failedShare": 0.013,
        "p50": 1.5,
        "p99": 38.0,
        "receivedPerSecond": 2048,
        "sentPerSecond": 3 * 1024**2,
        "total": 900,
    }
    monkeypatch.setattr(proxy, "figures", lambda uid: [told])
    shown = text(browser, "/elbs/web/figures/")
    for words in ("128 requests", "1.3 %", "1.5 / 38 ms", "2.0 KiB / 3.0 MiB", "over 5.0 s"):
        assert words in shown


def test_a_proxy_that_is_away_is_said(shop: None, browser: Browser) -> None:
    assert "The proxy does not tell what it counts" in text(browser, "/elbs/web/figures/")


def test_what_the_proxy_does_not_take_stands_on_the_page(shop: None, browser: Browser) -> None:
    elb, service = Key("acme", "ELB", "", "web"), Key("acme", "Service", "shop", "web")
    Complaints().say({elb: "port 80 is taken", service: "no room"})
    assert "goes on with what it had: port 80 is taken" in text(browser, "/elbs/web/")
    assert "goes on with what it had: no room" in text(browser, "/namespaces/shop/services/web/")
