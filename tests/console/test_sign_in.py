"""The door: in with account, user and password, back to the page asked for, out again; and the colours one chose."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests.console import scenes

pytestmark = pytest.mark.django_db

RIGHT = {"account": "acme", "user": "alice", "password": "secret-secret"}


@pytest.fixture(autouse=True)
def alice_has_a_password() -> None:
    scenes.user("acme", "alice")


def test_signing_in_leads_back_to_the_page_asked_for(client: Browser) -> None:
    response = client.post("/sign-in/", {**RIGHT, "next": "/pods/?state=look"})

    assert response.headers["Location"] == "/pods/?state=look"
    assert client.get("/pods/").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_elsewhere(client: Browser, elsewhere: str) -> None:
    assert client.post("/sign-in/", {**RIGHT, "next": elsewhere}).headers["Location"] == "/"


@pytest.mark.parametrize("wrong", [{"password": "nope"}, {"user": "mallory"}, {"account": "other"}])
def test_a_wrong_sign_in_says_so_and_not_which_part(client: Browser, wrong: dict[str, str]) -> None:
    response = client.post("/sign-in/", {**RIGHT, **wrong})

    assert response.status_code == 422
    assert b"The account, the user name or the password is wrong." in response.content
    assert b"nope" not in response.content


def test_an_empty_field_is_named_at_the_field(client: Browser) -> None:
    response = client.post("/sign-in/", {"account": "acme"})

    assert b'aria-describedby="id_user_error"' in response.content
    assert b'id="id_user_error"' in response.content


def test_after_many_wrong_passwords_one_has_to_wait(client: Browser) -> None:
    for _attempt in range(6):
        response = client.post("/sign-in/", {**RIGHT, "password": "nope"})

    assert b"Try again in" in response.content
    assert response.status_code == 429 and int(response.headers["Retry-After"]) > 0
    assert client.post("/sign-in/", RIGHT).status_code == 429


def test_signing_out_closes_the_door(client: Browser) -> None:
    client.post("/sign-in/", RIGHT)

    client.post("/sign-out/")

    assert client.get("/").status_code == 302


def test_the_chosen_colours_are_in_the_first_byte(client: Browser) -> None:
    client.post("/theme/", {"theme": "dark", "next": "/sign-in/"})

    assert b'data-theme="dark"' in client.get("/sign-in/").content


def test_colours_nobody_offers_are_not_remembered(client: Browser) -> None:
    client.post("/theme/", {"theme": '"><script>'})
    client.cookies["cci_theme"] = "purple"

    assert b'data-theme="system"' in client.get("/sign-in/").content
