"""Configuration by kubectl: ConfigMaps and Secrets as env and as files, followed, waited for; a registry with a
password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import manifests
from tests.images import SIGN_IN, local_registry, push
from tests.stack import Stack, free_port

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """`127.0.0.1:<port>`, asking for `SIGN_IN`."""
    with local_registry(free_port(), locked=True) as address:
        yield address


def named(name: str, namespace: str, manifest: JSON) -> JSON:
    return manifest | {"metadata": {"name": name, "namespace": namespace}}


def reason(stack: Stack, namespace: str, name: str) -> str:
    statuses = stack.get("pod", name, "-n", namespace)["status"].get("containerStatuses") or [{}]
    found: str = statuses[0].get("state", {}).get("waiting", {}).get("reason", "")
    return found


def logs(stack: Stack, namespace: str, name: str) -> list[str]:
    return stack.kubectl("-n", namespace, "logs", name).splitlines()


def test_a_pod_reads_its_configuration_and_follows_it(stack: Stack, namespace: str) -> None:
    script = "echo $COLOR $WORD; while true; do cat /etc/app/color /etc/login/word; echo; sleep 0.5; done"
    container = {
        **manifests.container(command=("sh", "-c", script)),
        "env": [{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "word"}}}],
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/app"},
            {"name": "login", "mountPath": "/etc/login", "readOnly": True},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": "settings", "items": [{"key": "COLOR", "path": "color"}]}},
        {"name": "login", "secret": {"secretName": "login", "defaultMode": 0o400}},
    ]
    stack.apply(named("reader", namespace, manifests.pod(containers=[container], volumes=volumes)))
    stack.wait(lambda: "FailedMount" in stack.kubectl("-n", namespace, "get", "events"), what="FailedMount")

    stack.kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=COLOR=blue")
    stack.kubectl("-n", namespace, "create", "secret", "generic", "login", "--from-literal=word=hunter2")
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/reader", "--timeout=30s")
    stack.wait(lambda: logs(stack, namespace, "reader")[:2] == ["blue hunter2", "bluehunter2"], what="the first lines")

    stack.kubectl("-n", namespace, "patch", "configmap", "settings", "-p", '{"data":{"COLOR":"red"}}')
    stack.wait(lambda: logs(stack, namespace, "reader")[-1] == "redhunter2", what="the new color in the file")
    assert stack.kubectl("-n", namespace, "get", "pod", "reader", "--no-headers").split()[3] == "0"
    assert "hunter2" not in stack.kubectl("-n", namespace, "get", "events") + stack.tail()


def test_a_missing_reference_is_a_config_error_that_heals(stack: Stack, namespace: str) -> None:
    entry = {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "late", "key": "word"}}}
    container = {**manifests.container(), "env": [entry]}
    stack.apply(named("waiter", namespace, manifests.pod(containers=[container])))
    stack.wait(lambda: reason(stack, namespace, "waiter") == "CreateContainerConfigError", what="the config error")
    assert 'secret "late" not found' in stack.kubectl("-n", namespace, "describe", "pod", "waiter")
    stack.kubectl("-n", namespace, "create", "secret", "generic", "late", "--from-literal=word=x", version="1.31")
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/waiter", "--timeout=30s")


def test_a_private_image_needs_its_secret(stack: Stack, namespace: str, registry: str) -> None:
    user, word = SIGN_IN
    stack.docker("login", registry, "--username", user, "--password", word)
    try:
        push(manifests.IMAGE, to=f"{registry}/private/app:1")
    finally:
        stack.docker("logout", registry)
    pod = manifests.pod(containers=[manifests.container(image=f"{registry}/private/app:1")])
    pod["spec"]["imagePullSecrets"] = [{"name": "registry"}]
    stack.apply(named("private", namespace, pod))
    stack.wait(lambda: reason(stack, namespace, "private") == "ImagePullBackOff", what="ImagePullBackOff")
    assert "no basic auth credentials" in stack.kubectl("-n", namespace, "describe", "pod", "private")

    sign_in = [f"--docker-server={registry}", f"--docker-username={user}", f"--docker-password={word}"]
    stack.kubectl("-n", namespace, "create", "secret", "docker-registry", "registry", *sign_in)
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/private", "--timeout=30s")


def test_tables_and_what_stands_in_every_namespace(stack: Stack, namespace: str) -> None:
    def row(*words: str) -> list[str]:
        return stack.kubectl("-n", namespace, "get", *words, "--no-headers").split()[:-1]

    stack.kubectl("-n", namespace, "create", "secret", "generic", "s", "--from-literal=a=1", "--from-literal=b=2")
    assert row("secret", "s") == ["s", "Opaque", "2"]
    stack.wait(lambda: row("configmap") == ["kube-root-ca.crt", "1"], what="the CA")
    assert row("sa") == ["default", "0"]
