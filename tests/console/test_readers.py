"""Who may only look: nothing is offered that would be refused, and a form that is asked for all the same says what is
missing."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

WEB = "/namespaces/shop/deployments/web/"
OFFERS = {
    "/": ("/create/deployment/", "/create/yaml/"),
    f"{WEB}access/": (f"{WEB}access/add/",),
    f"{WEB}scaling/": (f"{WEB}scaling/autoscaler/", f"{WEB}scaling/policy/", f"{WEB}scaling/sleep/"),
    "/images/": ("/create/secret/",),
    WEB: (f"{WEB}edit/", f"{WEB}scale/", f"{WEB}delete/"),
    "/serviceaccounts/": ("/create/serviceaccount/",),
}
FORMS = [
    "/create/deployment/",
    "/create/job/",
    "/create/cronjob/",
    "/create/pod/",
    "/create/claim/",
    "/create/serviceaccount/",
    *(f"{WEB}{page}" for page in ("scale/", "access/add/", "delete/", "edit/")),
    *(f"/namespaces/shop/jobs/web/{page}" for page in ("suspend/", "scale/", "again/", "delete/")),
    *(f"/namespaces/shop/cronjobs/web/{page}" for page in ("suspend/", "run/", "edit/", "delete/")),
]


@pytest.mark.parametrize("page", OFFERS)
def test_a_reader_is_offered_nothing_that_would_be_refused(
    shop: None, browser: Browser, readers_browser: Browser, page: str
) -> None:
    offered = [one for one in OFFERS[page] if f'"{one}' in browser.get(page).content.decode()]
    shown = readers_browser.get(page).content.decode().partition("<main")[2]
    assert offered and [one for one in OFFERS[page] if f'"{one}' in shown] == []


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_a_reader_asks_for_says_which_right_is_missing(
    shop: None, readers_browser: Browser, form: str
) -> None:
    answer = readers_browser.get(form)
    assert answer.status_code == 403
    assert "insufficient operation permission, require cci:" in answer.content.decode()
