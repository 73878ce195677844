"""Which images may go: only what pods of this installation used, what nobody uses, and what can be had again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.workloads.node.cluster import NOON
from workloads.kinds.images import familiar
from workloads.node import collecting
from workloads.runtimes.base import StoredImage
from workloads.store.imageuses import Use

OURS = StoredImage("sha256:a", ("nginx:1.27",), 1000, in_registry=True, in_use=False)
HOUR = timedelta(hours=1)


def use(image: StoredImage = OURS, name: str = "nginx:1.27", *, ago: timedelta = HOUR, namespace: str = "shop") -> Use:
    return Use(image.id, "acme", namespace, name, NOON - ago)


def may_go(*images: StoredImage, uses: list[Use]) -> list[str]:
    found = collecting.candidates(images, uses, now=NOON, min_age=timedelta(minutes=2))
    return [one.image.id for one in found]


def test_an_image_that_pods_used_and_nobody_uses_may_go() -> None:
    assert may_go(OURS, uses=[use()]) == ["sha256:a"]


def test_what_somebody_else_put_here_stays() -> None:
    assert may_go(OURS, uses=[]) == []


@pytest.mark.parametrize(
    "image",
    [
        replace(OURS, in_use=True),
        replace(OURS, in_registry=False),
        replace(OURS, names=("nginx:1.27", "mine:1")),
    ],
    ids=["a container has it", "it was made here", "it has a name that is not ours"],
)
def test_what_is_used_or_could_not_be_had_again_stays(image: StoredImage) -> None:
    assert may_go(image, uses=[use()]) == []


def test_what_was_used_a_moment_ago_stays_whoever_used_it_before() -> None:
    assert may_go(OURS, uses=[use(), use(ago=timedelta(minutes=1), namespace="other")]) == []


def test_the_least_recently_used_goes_first() -> None:
    old = replace(OURS, id="sha256:b", names=("old:1",))
    assert may_go(OURS, old, uses=[use(), use(old, "old:1", ago=2 * HOUR)]) == ["sha256:b", "sha256:a"]


def test_an_image_that_lost_its_tag_may_go() -> None:
    assert may_go(replace(OURS, names=()), uses=[use()]) == ["sha256:a"]


def test_what_a_pod_here_names_stays() -> None:
    found = collecting.candidates([OURS], [use()], now=NOON, min_age=HOUR)
    assert collecting.unwanted(found, ["docker.io/library/nginx:1.27"]) == []
    assert collecting.unwanted(found, ["nginx"]) == found


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1", "nginx:1"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
        ("docker.io/team/app:2", "team/app:2"),
        ("app@sha256:00", "app@sha256:00"),
    ],
)
def test_names_are_compared_as_docker_lists_them(written: str, listed: str) -> None:
    assert familiar(written) == listed
