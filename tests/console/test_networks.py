"""Networks: the list, one network in tabs, and its deletion."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests.console.scenes import hand, person
from workloads.meta.errors import NotFound

PAGE = "/namespaces/shop/networks/web/"


def text(browser: Browser, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def taken(shop: None) -> None:
    """`web` got another range than it asked for, because that one was taken."""
    network = person().get("Network", "web", "shop")
    note = "10.248.0.0/24 is taken on this host; 10.252.0.0/24 is used instead"
    network["status"] = {"state": "Active", "cidr": "10.252.0.0/24", "message": note}
    hand(name="networks").update("Network", "web", network, "shop", subresource="status")


def test_the_list_says_which_range_is_in_use_and_for_how_many_pods(taken: None, browser: Browser) -> None:
    for url in ("/networks/", "/namespaces/shop/networks/"):
        shown = text(browser, url)
        for words in ("Active", "10.252.0.0/24", "250", "shop-network"):
            assert words in shown


def test_without_networks_the_list_says_where_they_come_from(browser: Browser) -> None:
    shown = text(browser, "/networks/")
    assert "comes with it: request a namespace" in shown and "/create/namespace/" in shown


def test_a_network_has_its_page(taken: None, browser: Browser) -> None:
    shown = text(browser, PAGE)
    for words in ("10.252.0.0/24 is used instead", "Range asked for", "250 pods", "/namespaces/shop/pods/"):
        assert words in shown
    assert "underlay_neutron" in text(browser, f"{PAGE}yaml/")
    assert PAGE in text(browser, "/search/?q=web")


def test_one_that_failed_needs_a_look(shop: None, browser: Browser) -> None:
    network = person().get("Network", "web", "shop")
    network["status"] = {"state": "Failed", "message": 'the namespace already has the network "shop-network"'}
    hand(name="networks").update("Network", "web", network, "shop", subresource="status")
    shown = text(browser, "/networks/?state=look")
    assert "already has the network" in shown and PAGE in shown
    assert "/networks/shop-network/" not in shown


def test_deletion_asks_for_the_name_and_says_who_waits(shop: None, browser: Browser) -> None:
    assert "It stays until 3 pods of the namespace have ended" in text(browser, f"{PAGE}delete/")
    refused = browser.post(f"{PAGE}delete/", {"word": "wep"})
    assert refused.status_code == 422 and "Type web, exactly so." in refused.content.decode()
    assert browser.post(f"{PAGE}delete/", {"word": "web"}).headers["Location"] == "/namespaces/shop/networks/"
    with pytest.raises(NotFound):
        person().get("Network", "web", "shop")


def test_who_may_not_delete_is_told_so(shop: None, readers_browser: Browser) -> None:
    assert f"{PAGE}delete/" not in text(readers_browser, PAGE)
    assert readers_browser.get(f"{PAGE}delete/").status_code == 403
