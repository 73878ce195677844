"""Which password goes to which registry: the kubelet's rules. No password is printed by accident."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from workloads.runtimes.credentials import Credentials, of_image

JSON = dict[str, Any]


def encoded(data: Any) -> str:
    return base64.b64encode(orjson.dumps(data)).decode()


def secret(**auths: JSON) -> JSON:
    return {"kind": "Secret", "data": {".dockerconfigjson": encoded({"auths": auths})}}


def entry(name: str) -> JSON:
    return {"username": name, "password": "p"}


@pytest.mark.parametrize(
    ("place", "image"),
    [
        ("registry.example.com", "registry.example.com/team/app:1"),
        ("https://registry.example.com/v2/", "registry.example.com/team/app"),
        ("registry.example.com/team", "registry.example.com/team/app@sha256:0"),
        ("*.example.com", "registry.example.com/app"),
        ("127.0.0.1:5000", "127.0.0.1:5000/app:1"),
        ("https://index.docker.io/v1/", "nginx:1.27"),
        ("docker.io", "docker.io/team/app"),
    ],
)
def test_a_place_covers_an_image(place: str, image: str) -> None:
    assert of_image(image, [secret(**{place: entry("a")})]) == (Credentials("a", "p"),)


@pytest.mark.parametrize(
    ("place", "image"),
    [
        ("registry.example.com", "other.example.com/app"),
        ("registry.example.com/team", "registry.example.com/teammate/app"),
        ("*.example.com", "a.b.example.com/app"),
        ("127.0.0.1:5000", "127.0.0.1:5001/app"),
        ("example.com", "nginx"),
    ],
)
def test_a_place_does_not_cover_what_is_elsewhere(place: str, image: str) -> None:
    assert of_image(image, [secret(**{place: entry("a")})]) == ()


def test_the_closest_is_tried_first_and_each_once() -> None:
    near, far = {"r.example.com/team": entry("near")}, {"r.example.com": entry("far")}
    found = of_image("r.example.com/team/app", [secret(**far), secret(**near), secret(**far)])
    assert [one.username for one in found] == ["near", "far"]


def test_a_name_and_password_may_be_one_word() -> None:
    word = base64.b64encode(b"alice:a:b").decode()
    (found,) = of_image("r.example.com/app", [secret(**{"r.example.com": {"auth": word}})])
    assert found == Credentials("alice", "a:b")


def test_the_older_form_is_read_too() -> None:
    older = {"kind": "Secret", "data": {".dockercfg": encoded({"r.example.com": entry("a")})}}
    assert of_image("r.example.com/app", [older]) == (Credentials("a", "p"),)


@pytest.mark.parametrize(
    "config", [[], {"auths": []}, {"auths": {"r.example.com": 1}}, {"auths": {"r.example.com": {"auth": "?"}}}]
)
def test_what_is_no_configuration_gives_nothing(config: Any) -> None:
    assert of_image("r.example.com/app", [{"kind": "Secret", "data": {".dockerconfigjson": encoded(config)}}]) == ()


def test_a_password_is_not_printed() -> None:
    assert "hunter2" not in repr(Credentials("alice", "hunter2"))
