"""The cast: alice owns the account `acme`, bob helps in it, charlie belongs to `other` and must see nothing of it."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

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
    than a second; to delete the few rows that are there takes milliseconds. And Django would tell every table its name
    and permissions again, which nobody here reads."""
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid=f"{create_permissions.__module__}.{create_permissions.__name__}")
    if connection.vendor == "postgresql":
        type(connection.ops).sql_flush = _deletions  # type: ignore[method-assign, assignment]


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
    "test_sleepers.py",
    "test_second_instance.py",
    "test_helm.py",
    "test_bundle.py",
    "test_supervisor.py",
)
"""Files that one worker has for minutes, the longest first: begun last, they would leave the others with nothing to
do."""
APART = ("test_accessible.py", "_kills.py", "test_docker.py", "test_contract.py", "test_sleepers.py")
"""Whose tests share nothing but take long: each may run elsewhere."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; behind them the order stays as it was drawn."""
    items.sort(key=_place)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look through all of it again and again."""
    gc.freeze()
    gc.enable()


def _place(item: pytest.Item) -> int:
    return next((place for place, end in enumerate(LONG) if item.path.name.endswith(end)), len(LONG))


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Each worker takes a file at a time, and of some files a test."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return nodeid if file.endswith(APART) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None
