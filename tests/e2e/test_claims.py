"""Claims by the real kubectl on real Docker: data that outlives pods, and goes with its claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import manifests
from tests.stack import Stack

pytestmark = pytest.mark.timeout(180)
JSON = dict[str, Any]


def placed(manifest: JSON, namespace: str) -> JSON:
    manifest["metadata"]["namespace"] = namespace
    return manifest


def pod(name: str, script: str, namespace: str) -> JSON:
    made = manifests.claiming(name, restartPolicy="Never")
    made["spec"]["containers"][0]["command"] = ["sh", "-c", script]
    return placed(made, namespace)


def ready(stack: Stack, namespace: str, name: str) -> None:
    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")


def folder(stack: Stack, namespace: str) -> Path:
    """Where the claim `data` lies on this host."""
    uid = stack.get("pvc", "data", "-n", namespace)["metadata"]["uid"]
    (found,) = Path(stack.data).glob(f"pods/claims/*/*/*/{uid}")
    return found


def test_data_outlives_pods_and_goes_with_its_claim(stack: Stack, namespace: str) -> None:
    stack.apply(pod("writer", "echo kept > /data/note; sleep 3600", namespace))
    told = "0/1 nodes are available: persistentvolumeclaim"
    stack.wait(lambda: told in stack.kubectl("-n", namespace, "describe", "pod", "writer"), what="the pod to wait")
    stack.apply(placed(manifests.claim(), namespace))
    ready(stack, namespace, "writer")
    row = stack.kubectl("-n", namespace, "get", "pvc", "data", "--no-headers").split()
    assert (row[1], row[3:6]) == ("Bound", ["1Gi", "RWO", "sata"])
    assert "Used By:       writer" in stack.kubectl("-n", namespace, "describe", "pvc", "data")
    place = folder(stack, namespace)

    stack.kubectl("-n", namespace, "delete", "pod", "writer")
    stack.apply(pod("reader", "cat /data/note; sleep 3600", namespace))
    ready(stack, namespace, "reader")
    stack.wait(lambda: stack.kubectl("-n", namespace, "logs", "reader").strip() == "kept", what="what was written")

    stack.kubectl("-n", namespace, "delete", "pvc", "data", "--wait=false")
    assert stack.kubectl("-n", namespace, "get", "pvc", "data", "--no-headers").split()[1] == "Terminating"
    assert (place / "note").read_text() == "kept\n"
    stack.kubectl("-n", namespace, "delete", "pod", "reader")
    stack.kubectl("-n", namespace, "wait", "--for=delete", "pvc/data", "--timeout=30s")
    stack.wait(lambda: not place.exists(), what="the data to be gone")


def test_classes_are_listed_and_described(stack: Stack) -> None:
    assert "sata (default)   local.cci.io" in stack.kubectl("get", "storageclass")
    assert "IsDefaultClass:        Yes" in stack.kubectl("describe", "sc", "sata")
