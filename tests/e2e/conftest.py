"""One running product for all journeys, and a namespace for each."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests import manifests
from tests.e2e.chromium import WIDE, chromium
from tests.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture
def namespace(stack: Stack) -> Iterator[str]:
    """A namespace of its own for one test; gone afterwards, pods included."""
    name = f"t-{secrets.token_hex(4)}"
    stack.kubectl("create", "namespace", name)
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false", check=False)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A person's own window, 1440 wide."""
    context = browser.new_context(viewport=WIDE)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[str]:
    """A namespace with a Deployment `web` that runs, a Job that waits, a CronJob whose time is far, a ConfigMap and a
    Secret; its name."""
    name = f"shop-{secrets.token_hex(3)}"
    stack.kubectl("create", "namespace", name)
    stack.apply(manifests.deployment(replicas=1) | {"metadata": {"name": "web", "namespace": name}})
    stack.kubectl("-n", name, "create", "configmap", "settings", "--from-literal=colour=blue")
    stack.kubectl("-n", name, "create", "secret", "generic", "login", "--from-literal=password=open-sesame")
    stack.kubectl("-n", name, "create", "role", "reader", "--verb=get,list", "--resource=pods")
    stack.apply(
        manifests.job("sum", suspend=True) | {"metadata": {"name": "sum", "namespace": name}},
        manifests.cronjob("tick", schedule="@yearly") | {"metadata": {"name": "tick", "namespace": name}},
    )
    stack.kubectl("-n", name, "rollout", "status", "deployment/web", "--timeout=60s")
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false", check=False)
