"""Image references: the grammar, and the pull policy that follows from the tag."""

from __future__ import annotations

import pytest

from workloads.kinds import images

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27",
        "library/nginx",
        "localhost:5000/a/b:v1",
        "registry.example.com/team/app_x:1.0-rc.1",
        "127.0.0.1:5000/app",
        "[::1]:5000/app",
        f"nginx@{DIGEST}",
        f"ghcr.io/a/b:tag@{DIGEST}",
        "a__b/c--d",
    ],
)
def test_an_image_may_be(image: str) -> None:
    assert images.problem(image) == ""


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (" nginx", "must not have leading or trailing whitespace"),
        ("https://ghcr.io/a", "must not begin with a scheme"),
        ("Nginx", "repository names are lower case"),
        ("ghcr.io/Team/App", "repository names are lower case"),
        ("nginx:", "must be an image reference"),
        ("nginx:a b", "must be an image reference"),
        ("nginx@sha256:12", "must be an image reference"),
        ("/nginx", "must be an image reference"),
        ("a//b", "must be an image reference"),
        ("nginx:" + "t" * 129, "must be an image reference"),
        ("a" * 5000, "must be an image reference"),
        ("a/" * 150 + "b", "may have at most 255 characters"),
    ],
)
def test_an_image_may_not_be(image: str, sentence: str) -> None:
    assert sentence in images.problem(image)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("localhost:5000/nginx", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        (f"nginx@{DIGEST}", "IfNotPresent"),
        ("???", "IfNotPresent"),
    ],
)
def test_the_tag_decides_when_to_pull(image: str, policy: str) -> None:
    assert images.pull_policy(image) == policy
