"""The Kubernetes API on a port of its own, with TLS, as a client sees it: alice by `api`, charlie by `other_api`."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from pytest_django import Settings

from iam import kubeconfig, pki, tokens
from iam.models import Account, User
from tests import manifests
from tests.workloads.kubeapi.callers import Api, Kubectl, kubectl_binary
from workloads.kubeapi import authentication
from workloads.kubeapi.app import application
from workloads.kubeapi.connections import Connection
from workloads.watch.cache import CACHE


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def certificates(data_dir: Path) -> pki.Pki:
    return pki.ensure(data_dir / "secrets" / "pki")


class _Server(uvicorn.Server):
    def started_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self.started and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.started


@pytest.fixture
def server(transactional_db: None, running_server: str) -> str:
    """The API's address, with nobody's token and no object of another test remembered."""
    authentication.forget()
    CACHE.clear()
    return running_server


@pytest.fixture(scope="session")
def running_server(certificates: pki.Pki) -> Iterator[str]:
    """In this process, on the tests' database, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        ws="wsproto",
        http=Connection,
        lifespan="off",
        log_level="warning",
        ssl_certfile=str(certificates.certificate),
        ssl_keyfile=str(certificates.key),
        timeout_graceful_shutdown=1,
    )
    running = _Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert running.started_within(10)
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join(10)
    listener.close()


@pytest.fixture
def call_as(server: str, certificates: pki.Pki) -> Iterator[Callable[[User], Api]]:
    clients: list[Api] = []

    def client(user: User) -> Api:
        token = tokens.issue(user).token
        trust = ssl.create_default_context(cafile=certificates.ca)
        headers = {"Authorization": f"Bearer {token}"}
        clients.append(Api(base_url=server, verify=trust, headers=headers, timeout=20, trust_env=False))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice_user(transactional_db: None) -> User:
    return User.objects.create_user(Account.objects.create(name="acme"), "alice", "correct horse")


@pytest.fixture
def charlie_user(transactional_db: None) -> User:
    return User.objects.create_user(Account.objects.create(name="other"), "charlie", "battery staple")


@pytest.fixture
def api(call_as: Callable[[User], Api], alice_user: User) -> Api:
    return call_as(alice_user)


@pytest.fixture
def other_api(call_as: Callable[[User], Api], charlie_user: User) -> Api:
    return call_as(charlie_user)


@pytest.fixture
def shop(api: Api) -> str:
    """A namespace of alice's."""
    api.make("/api/v1/namespaces", manifests.namespace("shop"))
    return "shop"


@pytest.fixture
def kubectl(
    server: str, data_dir: Path, alice_user: User, tmp_path: Path, settings: Settings
) -> Callable[[str], Kubectl]:
    """The real kubectl as alice: `kubectl("1.33")("get", "pods")`."""
    settings.DATA_DIR = data_dir
    config = tmp_path / "kubeconfig"
    config.write_text(kubeconfig.build(alice_user, tokens.issue(alice_user).token, server))
    return lambda version: Kubectl(kubectl_binary(version), config, tmp_path / "cache")
