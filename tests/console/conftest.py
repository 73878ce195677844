"""Browsers with a session: alice's account has a shop with workloads, charlie's has nothing."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from iam import people, policies
from iam.identities import identity_of
from scripts import messages
from tests.console import scenes
from tests.console.walking import walked as walked


@pytest.fixture(autouse=True)
def nothing_is_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is: a page shows what is there now."""
    monkeypatch.setattr("console.dear.LEAST_SECONDS", 3600)


@pytest.fixture(autouse=True, scope="session")
def compiled_messages() -> None:
    messages.compile_all()


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def browser(db: None) -> Browser:
    """Signed in as alice of acme."""
    return signed_in("acme", "alice")


@pytest.fixture
def strangers_browser(db: None) -> Browser:
    """Signed in as charlie of another account."""
    return signed_in("other", "charlie")


@pytest.fixture
def readers_browser(db: None) -> Browser:
    """Signed in as rita of acme, who may look at everything and change nothing."""
    people.create_user(identity_of(scenes.user()), "rita", password="secret-secret", policies=[policies.READ_ONLY])
    return signed_in("acme", "rita")


@pytest.fixture
def shop(db: None) -> None:
    """A namespace with a bare pod, and of `web` a Deployment of two pods (one pulls), a Job at work, a CronJob, a
    Service and an Ingress on an ELB; a user, a group, a policy and a budget are called so, too."""
    scenes.furnish()


def signed_in(account: str, name: str) -> Browser:
    browser = Browser()
    browser.force_login(scenes.user(account, name), backend="django.contrib.auth.backends.ModelBackend")
    return browser
