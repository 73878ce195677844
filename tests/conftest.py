"""The cast: alice owns the account `acme`, bob helps in it, charlie belongs to `other` and must see nothing of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import settings

from iam.identities import Identity
from workloads.admission import rbac

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
"""On a busy machine an example that is quick may take long."""


@pytest.fixture
def alice() -> Identity:
    return Identity(account="acme", user="alice")


@pytest.fixture
def bob() -> Identity:
    return Identity(account="acme", user="bob")


@pytest.fixture
def charlie() -> Identity:
    return Identity(account="other", user="charlie")


@pytest.fixture(autouse=True)
def no_roles_are_remembered() -> None:
    """What roles give is kept for a second, and tests are quicker than that."""
    rbac.forget_all()


@pytest.fixture(autouse=True, scope="session")
def tables_are_emptied_quickly() -> None:
    """After a test that commits, Django truncates every table. PostgreSQL makes new files for each, which takes it more
    than a second; to delete the few rows that are there takes milliseconds."""
    if connection.vendor == "postgresql":
        type(connection.ops).sql_flush = _deletions


def _deletions(operations: Any, style: Any, tables: list[str], **asked: bool) -> list[str]:
    """Instead of `DatabaseOperations.sql_flush`. Foreign keys are looked at when the transaction ends."""
    assert not any(asked.values()), "nobody asks for sequences or cascades"
    return [f"DELETE FROM {operations.quote_name(table)}" for table in tables]  # noqa: S608


LONG = (
    "test_chaos.py",
    "test_browser.py",
    "test_accessible.py",
    "test_postgresql.py",
    "_kills.py",
    "_stories.py",
    "test_docker.py",
    "test_contract.py",
    "test_supervisor.py",
)
"""Files that one worker has for minutes: begun last, they would leave the other with nothing to do."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; within both halves the order stays as it was drawn."""
    items.sort(key=lambda item: not item.path.name.endswith(LONG))
