"""An account with one person in it."""

from __future__ import annotations

import pytest

from iam.models import Account, User


@pytest.fixture(autouse=True)
def cheap_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice_user(db) -> User:
    return User.objects.create_user(Account.objects.create(name="acme"), "alice", "correct horse")
