"""The cast: alice owns the account `acme`, bob helps in it, charlie belongs to `other` and must see nothing of it."""

from __future__ import annotations

import pytest

from iam.identities import Identity


@pytest.fixture
def alice() -> Identity:
    return Identity(account="acme", user="alice")


@pytest.fixture
def bob() -> Identity:
    return Identity(account="acme", user="bob")


@pytest.fixture
def charlie() -> Identity:
    return Identity(account="other", user="charlie")
