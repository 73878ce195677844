"""Ctrl K acts: what may be done with an object is offered where one is, and where it is found by name; nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client as Browser

from iam import people
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in


@pytest.fixture
def reader(shop: None) -> Browser:
    """bob may look."""
    admin = identity_of(scenes.user())
    people.create_user(admin, "bob", password="secret-secret", policies=["CCI ReadOnlyAccess"])
    return signed_in("acme", "bob")


def found(browser: Browser, text: str, *, at: str = "") -> dict[str, list[str]]:
    """Group -> what it offers."""
    page = browser.get("/search/", {"q": text}, headers={"HX-Current-URL": f"http://testserver{at}"} if at else {})
    body = page.content.decode().split('id="results"')[1]
    groups: dict[str, list[str]] = {}
    for group, label in re.findall(r'class="palette__group"[^>]*>([^<]+)<|role="option"[^>]*><span>([^<]*)<', body):
        if group:
            now = groups.setdefault(unescape(group), [])
        else:
            now.append(unescape(label))
    return groups


def test_on_a_page_of_an_object_its_actions_come_first(shop: None, browser: Browser) -> None:
    groups = found(browser, "", at="/namespaces/shop/deployments/web/events/")

    assert next(iter(groups)) == "Deployment web"
    assert groups["Deployment web"][:7] == ["Open", "Logs", "Restart", "Scale", "Edit", "Edit YAML", "Delete"]


@pytest.mark.parametrize("text", ["restart web", "web restart"])
def test_an_action_and_a_name_find_the_action_of_that_object(shop: None, browser: Browser, text: str) -> None:
    assert found(browser, text)["Deployment web"] == ["Restart"]


def test_a_name_offers_what_can_be_done_with_what_is_called_so(shop: None, browser: Browser) -> None:
    assert "Terminal" in found(browser, "lonely")["Pod lonely"]
    assert "Copy kubectl logs" in found(browser, "lonely")["Pod lonely"]


def test_a_command_is_copied_as_kubectl_takes_it(shop: None, browser: Browser) -> None:
    page = browser.get("/search/", {"q": "web describe"}).content.decode()
    assert 'data-copies="kubectl -n shop describe deployment/web"' in page


def test_who_may_only_look_is_offered_nothing_that_would_be_refused(reader: Browser) -> None:
    groups = found(reader, "", at="/namespaces/shop/deployments/web/")

    assert groups["Deployment web"] == [
        "Open",
        "Logs",
        "Copy kubectl describe",
        "Copy kubectl get -o yaml",
        "Copy kubectl logs",
    ]
    assert not any(label.startswith("Create") for label in groups["Go to"])


def test_the_whole_console_is_told_by_words_too(shop: None, browser: Browser) -> None:
    assert found(browser, "theme")["Console"] == ["Theme: light", "Theme: dark", "Theme: as the system"]
    assert found(browser, "language")["Console"] == ["Language: English", "Language: 简体中文"]
    assert found(browser, "sign out")["Console"] == ["Sign out"]


def test_strangers_find_nothing_to_act_on(shop: None, strangers_browser: Browser) -> None:
    assert "Deployment web" not in found(strangers_browser, "", at="/namespaces/shop/deployments/web/")


PAGES = [
    "/namespaces/shop/deployments/web/",
    "/namespaces/shop/pods/lonely/",
    "/namespaces/shop/jobs/web/",
    "/namespaces/shop/cronjobs/web/",
    "/namespaces/shop/services/web/",
    "/namespaces/shop/ingresses/web/",
    "/namespaces/shop/configmaps/web/",
    "/namespaces/shop/claims/web/",
    "/namespaces/shop/",
    "/elbs/web/",
    "/deployments/",
    "/jobs/",
    "/services/",
]


@pytest.mark.parametrize("page", PAGES)
def test_pages_offer_a_reader_no_change(reader: Browser, browser: Browser, page: str) -> None:
    changes = re.compile(r'href="[^"]*/(?:delete|scale|suspend|again|run|grow|terminal|wake|edit)/"|/create/')
    main = [one.get(page).content.decode().split("<main")[1].split("</main>")[0] for one in (reader, browser)]

    assert changes.findall(main[0]) == []
    assert changes.findall(main[1]) != []


def test_a_bad_label_is_said_at_its_field_and_the_list_stays(shop: None, browser: Browser) -> None:
    page = browser.get("/deployments/", {"label": "app in (web"})

    assert page.status_code == 200
    assert 'id="filter-label-error"' in page.content.decode()
    assert "Write labels as app=web" in page.content.decode()
