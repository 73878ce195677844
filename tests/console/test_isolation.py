"""Every page, as a stranger and as nobody: generated from the url table, so that a new page cannot be forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.urls import URLPattern, reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from console.rest.urls import urlpatterns as rest_patterns
from console.urls import pages
from iam import identities, people, tokens
from iam.models import Token
from tests.console import scenes

OPEN = {"login", "logout", "theme", "language"}
"""The only pages without a guard."""
OPERATORS = {"package-create", "package-end", "price-add", "price-import", "price-withdraw"}
OPERATORS |= {"specification-add", "specification-change", "specification-end"}
"""Refused to everybody else."""
OF_LISTS = {"bulk", "list-csv", "view-save", "view-delete"}
"""Take a kind whose list has rows to choose."""
TEXT_STREAMS = {"deployment-log-stream", "job-log-stream", "cronjob-log-stream", "pod-log-stream", "ended-log-stream"}
"""Not pages: refused with a code instead of a way to the sign-in page."""
NAMES = {
    "namespace": "shop",
    "name": "web",
    "uid": scenes.GONE,
    "pod": scenes.GONE,
    "period": scenes.BILLED,
    "number": 1,
}


def url_of(pattern: URLPattern) -> str:
    names = pattern.pattern.converters
    values = {name: NAMES[name] for name in names if name not in ("line", "kind")}
    if "kind" in names:
        values |= {"kind": "Deployment" if "namespace" in names or pattern.name in OF_LISTS else "ELB"}
    if "line" in names:
        values |= {"line": scenes.bill_line_id()}
    if str(pattern.name).startswith("pod"):
        values |= {"name": "lonely"} if "name" in names else {}
    return reverse(f"console:{pattern.name}", kwargs=values)


@pytest.fixture(scope="module")
def standing_shop(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Made once: what a test does to it goes with the test."""
    with django_db_blocker.unblock(), transaction.atomic():
        scenes.furnish()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def shop(standing_shop: None, db: None) -> None: ...


GUARDED = [pattern for pattern in pages if pattern.name not in OPEN]
OWNED = [
    pattern for pattern in GUARDED if {"namespace", "uid", "name", "pod", "line"} & pattern.pattern.converters.keys()
]
NAMED_GUARDED = [pytest.param(one, id=one.name) for one in GUARDED]
NAMED_OWNED = [pytest.param(one, id=one.name) for one in OWNED]
NAMED_OTHERS = [pytest.param(one, id=one.name) for one in GUARDED if one not in OWNED]


@pytest.mark.parametrize("pattern", NAMED_GUARDED)
def test_every_page_but_signing_in_is_guarded(pattern: URLPattern) -> None:
    assert getattr(pattern.callback, "guarded", False), f"{pattern.name} does not open a visit"


@pytest.mark.parametrize("pattern", NAMED_GUARDED)
def test_nobody_is_sent_to_sign_in_and_back(db: None, client: Browser, pattern: URLPattern) -> None:
    url = url_of(pattern)
    for method in (client.get, client.post):
        response = method(url)
        if pattern.name in TEXT_STREAMS:
            assert response.status_code in (401, 405)
            continue
        assert response.status_code == 302
        assert response.headers["Location"] == f"{reverse('console:login')}?next={url}"


@pytest.mark.parametrize("pattern", NAMED_OWNED)
def test_what_belongs_to_another_account_does_not_exist(
    shop: None, strangers_browser: Browser, pattern: URLPattern
) -> None:
    url, browser = url_of(pattern), strangers_browser
    for ask in (browser.get, browser.head, browser.post, browser.put, browser.patch, browser.delete):
        response = ask(url)
        assert response.status_code in (404, 405)
        assert b"lonely" not in response.content.replace(url.encode(), b"")


def body(response: Any) -> bytes:
    """All of it, of a stream, too."""

    async def collected() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return asyncio.run(collected()) if response.streaming else bytes(response.content)


@pytest.mark.parametrize("pattern", NAMED_OTHERS)
def test_pages_of_the_account_show_nothing_of_another(
    shop: None, strangers_browser: Browser, pattern: URLPattern
) -> None:
    response = strangers_browser.get(url_of(pattern))

    others = {"access-key-change": (400,), **dict.fromkeys(OPERATORS, (403,))}  # a key is said by its query alone
    assert response.status_code in (200, 302, 405, *others.get(str(pattern.name), ()))
    told = body(response)
    for word in (b"lonely", b"acme", b"web-0001"):
        assert word not in told


@pytest.mark.parametrize("pattern", NAMED_OWNED)
def test_the_owner_sees_every_page(shop: None, browser: Browser, pattern: URLPattern) -> None:
    response = browser.get(url_of(pattern))

    assert response.status_code in ((200, 503) if pattern.name in TEXT_STREAMS else (200,))


REST = [pattern for pattern in rest_patterns if pattern.name != "rest-nothing"]
REST_WRITES = ("post", "put", "patch", "delete")
SHARED = {"rest-price", "rest-pod-specifications"}
"""Prices are the same for everybody; asking for one changes nothing."""
REST_NAMES = {
    "namespace": "shop",
    "name": "lonely",
    "policy": "CCI FullAccess",
    "member": "alice",
    "period": "2026-01",
    "number": 1,
}
REST_NAMES |= {"number": 1}


def rest_calls(browser: Browser, **headers: str) -> Iterator[tuple[str, str, Any]]:
    """Every method of every address: its name, the method, the answer."""
    for pattern in REST:
        url = reverse(str(pattern.name), kwargs={name: REST_NAMES[name] for name in pattern.pattern.converters})
        for method in ("get", *REST_WRITES):
            if hasattr(pattern.callback.cls, method):  # type: ignore[attr-defined]
                ask = getattr(browser, method)
                yield str(pattern.name), method, ask(url, content_type="application/json", headers=headers)


@pytest.mark.parametrize("how", ["without", "unknown", "expired", "revoked"])
def test_without_a_living_token_every_endpoint_is_unauthorized(shop: None, client: Browser, how: str) -> None:
    token = "cci-made-up" if how == "unknown" else tokens.issue(scenes.user()).token
    if how == "expired":
        Token.objects.update(expires=timezone.now() - timedelta(seconds=1))
    if how == "revoked":
        tokens.revoke(token)
    headers = {} if how == "without" else {"authorization": f"Bearer {token}"}
    assert [(name, method) for name, method, answer in rest_calls(client, **headers) if answer.status_code != 401] == []


def test_endpoints_tell_a_stranger_nothing_of_another_account(shop: None, strangers_browser: Browser) -> None:
    for name, method, answer in rest_calls(strangers_browser):
        assert answer.status_code < 500, (name, method)
        for word in (b"acme", b"alice@", b"web-0001"):
            assert word not in answer.content, (name, method)


def test_who_may_only_read_writes_by_no_endpoint(shop: None, client: Browser) -> None:
    admin = identities.identity_of(scenes.user())
    rita = people.create_user(admin, "rita", password="long enough", policies=["CCI ReadOnlyAccess"])
    headers = {"authorization": f"Bearer {tokens.issue(rita).token}"}
    wrong = [
        (name, method, answer.status_code)
        for name, method, answer in rest_calls(client, **headers)
        if method in REST_WRITES and name not in SHARED and answer.status_code != 403
    ]
    assert wrong == []
