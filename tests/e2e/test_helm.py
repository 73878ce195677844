"""Helm itself against the running product: the chart that `helm create` writes, installed, tested, upgraded, rolled
back and uninstalled, and what it renders applied by kubectl."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from scripts.images import BUSYBOX_IMAGE, DEMO_IMAGE, build_demo_image
from tests.stack import ROOT, Stack

JSON = dict[str, Any]
Helm = Callable[..., str]
VERSIONS = ("3", "4")
RELEASE = "shop"
MORE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "shop.fullname" . }}
  labels: {{- include "shop.labels" . | nindent 4 }}
data: {GREETING: {{ .Values.greeting | default "hello" | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ include "shop.fullname" . }}}
stringData: {PASSWORD: {{ randAlphaNum 12 | quote }}}
{{- range $when := list "pre-install,pre-upgrade" "post-install,post-upgrade" "pre-delete" }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "shop.fullname" $ }}-{{ $when | replace "," "-" }}
  annotations:
    helm.sh/hook: {{ $when }}
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: hook, image: "%s", command: [sh, -c, "exit {{ $.Values.hookExit | default 0 }}"]}]
{{- end }}
""".replace("%s", BUSYBOX_IMAGE)
TESTED = """image: busybox"""


@pytest.fixture(scope="module")
def chart(stack: Stack) -> Path:
    """What `helm create` writes, with a ConfigMap, a Secret and hooks beside it; its images are on this host."""
    build_demo_image()
    done = subprocess.run([_helm("4"), "create", str(stack.data / RELEASE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folder = stack.data / RELEASE
    (folder / "templates" / "more.yaml").write_text(MORE)
    test = folder / "templates" / "tests" / "test-connection.yaml"
    assert TESTED in test.read_text()
    test.write_text(test.read_text().replace(TESTED, f"image: {BUSYBOX_IMAGE}"))
    repository, _, tag = DEMO_IMAGE.partition(":")
    path = {"path": "/", "pathType": "ImplementationSpecific"}
    values = {
        "image": {"repository": repository, "tag": tag},
        "ingress": {"enabled": True, "hosts": [{"host": "shop.example", "paths": [path]}]},
        "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 3},
    }
    (folder / "values-own.yaml").write_text(yaml.safe_dump(values))
    return folder


@pytest.fixture(scope="module")
def place(stack: Stack) -> Iterator[str]:
    stack.kubectl("create", "namespace", "helmed")
    yield "helmed"
    stack.kubectl("delete", "namespace", "helmed", "--wait=false", check=False)


@pytest.fixture(params=VERSIONS)
def helm(request: pytest.FixtureRequest, stack: Stack, place: str) -> Helm:
    """`helm("list")` in the namespace: what it prints. Helm 3 patches as `kubectl apply`, 4 applies on the server."""

    def run(*words: str, fails: bool = False) -> str:
        own = [_helm(request.param), "--kubeconfig", str(stack.kubeconfig()), "--namespace", place]
        done = subprocess.run([*own, *words], capture_output=True, text=True, timeout=150)
        assert (done.returncode != 0) == fails, f"helm {' '.join(words)}\n{done.stdout}{done.stderr}\n{stack.tail()}"
        return done.stdout + (done.stderr if fails else "")

    return run


def _helm(version: str) -> str:
    binary = ROOT / ".build" / "helm" / f"helm-{version}"
    assert binary.exists(), f"{binary} is missing: `make test` fetches it (scripts/setup.py test)"
    return str(binary)


def _values(chart: Path, *settings: str) -> list[str]:
    return [str(chart), "-f", str(chart / "values-own.yaml"), *(w for one in settings for w in ("--set", one))]


def _waiting(chart: Path, *settings: str) -> list[str]:
    return [*_values(chart, *settings), "--wait", "--timeout", "90s"]


def greeting(stack: Stack, place: str) -> str:
    return str(stack.get("configmap", RELEASE, "-n", place)["data"]["GREETING"])


@pytest.mark.timeout(400)
def test_a_release_lives_from_its_install_to_its_end(stack: Stack, chart: Path, place: str, helm: Helm) -> None:
    assert "STATUS: pending-install" in helm("install", RELEASE, *_values(chart), "--dry-run=server")
    assert stack.get("deployments", "-n", place)["items"] == []

    assert "STATUS: deployed" in helm("install", RELEASE, *_waiting(chart))
    assert stack.get("deployment", RELEASE, "-n", place)["status"]["readyReplicas"] == 1
    assert stack.get("jobs", "-n", place)["items"] == []  # hooks that succeeded
    assert "Phase:          Succeeded" in helm("test", RELEASE)

    helm("upgrade", RELEASE, *_waiting(chart, "greeting=good day", "autoscaling.minReplicas=2"))
    assert greeting(stack, place) == "good day"
    failed = helm("upgrade", RELEASE, *_waiting(chart, "greeting=no", "hookExit=3"), fails=True)
    assert "pre-upgrade hooks failed" in failed
    assert greeting(stack, place) == "good day"

    helm("rollback", RELEASE, "1", "--wait", "--timeout", "90s")
    assert greeting(stack, place) == "hello"
    history = [(one["revision"], one["status"]) for one in orjson.loads(helm("history", RELEASE, "-o", "json"))]
    assert history == [(1, "superseded"), (2, "superseded"), (3, "failed"), (4, "deployed")]
    (listed,) = orjson.loads(helm("list", "-o", "json"))
    assert (listed["name"], listed["revision"], listed["status"]) == (RELEASE, "4", "deployed")
    assert "kind: HorizontalPodAutoscaler" in helm("get", "manifest", RELEASE)

    helm("uninstall", RELEASE, "--wait", "--timeout", "90s")
    left = stack.kubectl("get", "deploy,svc,ing,hpa,cm,jobs", "-n", place, "-o", "name").split()
    assert left == ["configmap/kube-root-ca.crt", "job.batch/shop-pre-install-pre-upgrade"]  # the hook that failed
    assert orjson.loads(helm("list", "-o", "json")) == []


def test_what_helm_renders_is_applied_and_applied_again(stack: Stack, chart: Path, place: str, helm: Helm) -> None:
    text = helm("template", RELEASE, *_values(chart), "--no-hooks")
    first = stack.kubectl("-n", place, "apply", "-f", "-", stdin=text)
    assert {line.split()[-1] for line in first.splitlines()} == {"created"}
    stack.kubectl("-n", place, "rollout", "status", f"deployment/{RELEASE}", "--timeout=60s")
    again = stack.kubectl("-n", place, "apply", "-f", "-", stdin=text)
    changed = [line for line in again.splitlines() if not line.endswith(" unchanged")]
    assert changed == [f"secret/{RELEASE} configured"]  # as ever where a Secret has stringData
    stack.kubectl("-n", place, "delete", "-f", "-", "--timeout=60s", stdin=text)
