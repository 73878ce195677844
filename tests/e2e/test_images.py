"""Real pulls from a real registry: progress, failures in its own words, recovery."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import manifests
from tests.images import local_registry, push
from tests.stack import Stack, free_port


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """`127.0.0.1:<port>`, empty."""
    with local_registry(free_port()) as address:
        yield address


def waiting_reason(stack: Stack, namespace: str, name: str) -> str:
    statuses = stack.get("pod", name, "-n", namespace)["status"].get("containerStatuses") or [{}]
    reason: str = statuses[0].get("state", {}).get("waiting", {}).get("reason", "")
    return reason


def test_an_image_that_appears_later_is_pulled_without_being_asked_again(
    stack: Stack, namespace: str, registry: str
) -> None:
    image = f"{registry}/late/app:1"
    pod = manifests.pod("late", containers=[manifests.container(image=image)])
    stack.apply(pod | {"metadata": {"name": "late", "namespace": namespace}})
    stack.wait(
        lambda: waiting_reason(stack, namespace, "late") in ("ErrImagePull", "ImagePullBackOff"), what="ErrImagePull"
    )
    stack.wait(lambda: waiting_reason(stack, namespace, "late") == "ImagePullBackOff", what="ImagePullBackOff")
    story = stack.kubectl("-n", namespace, "describe", "pod", "late")
    assert "manifest unknown" in story or "not found" in story

    push(manifests.IMAGE, to=image)

    stack.kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/late", "--timeout=60s")
    lifecycle = stack.get("pod", "late", "-n", namespace)["status"]["lifecycle"]
    assert lifecycle["pullStartedAt"] < lifecycle["pulledAt"] < lifecycle["startedAt"]
