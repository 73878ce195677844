"""Browsers with a session: alice's account has a shop with workloads, charlie's has nothing."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from iam import people, policies
from iam.identities import identity_of
from scripts import messages
from tests import manifests
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
    scenes.namespace("shop")
    web = scenes.deployment("web", replicas=2, readyReplicas=1)
    replica_set = scenes.replica_set(web)
    scenes.pod("web-0001-aaaaa", owner=replica_set, status=scenes.running())
    scenes.pod("web-0001-bbbbb", owner=replica_set, status=scenes.pulling())
    scenes.pod("lonely", status=scenes.crashing())
    scenes.person().create("PersistentVolumeClaim", manifests.claim("web"), "shop")
    scenes.people_called("web")
    scenes.role_binding("web")
    scenes.own_role("web")
    scenes.person().create("Network", scenes.network("web"), "shop")
    scenes.person().create("ServiceAccount", scenes.service_account("web"), "shop")
    scenes.configmap("web", {"colour": "blue"})
    scenes.secret("web", {"password": "open-sesame"})
    scenes.cronjob("web")
    scenes.person().create("ELB", manifests.elb("web"))
    scenes.person().create("Service", manifests.service("web"), "shop")
    ingress = manifests.ingress("web")
    ingress["metadata"]["annotations"] = {"elb.cci.io/name": "web"}
    scenes.person().create("Ingress", ingress, "shop")
    scenes.elbs_told()
    scenes.budget("web")
    scenes.ended_pod()
    scenes.bill()
    scenes.job("web", completions=5, parallelism=2, status={"succeeded": 2, "active": 1})


def signed_in(account: str, name: str) -> Browser:
    browser = Browser()
    browser.force_login(scenes.user(account, name), backend="django.contrib.auth.backends.ModelBackend")
    return browser
