"""The page of images: what stands ready here, what runs from it, and whose registries need a password."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.test import Client as Browser

from iam import people
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in
from workloads.client import HostImage
from workloads.verbs import images


def host(monkeypatch: pytest.MonkeyPatch, here: Sequence[HostImage] | None) -> None:
    monkeypatch.setattr(images, "_asked_of_agent", lambda: here)


def test_images_are_told_with_the_pods_that_run_from_them(
    shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = scenes.person().get("Pod", "lonely", "shop")["spec"]["containers"][0]["image"]
    host(monkeypatch, [HostImage(used, 2_000_000), HostImage("idle:1", 7)])

    rows = {row.name: row for row in browser.get("/images/").context["rows"]}

    assert rows[used].pods >= 1
    assert rows["idle:1"].pods == 0
    assert [row.name for row in browser.get("/images/?use=no").context["rows"]] == ["idle:1"]


def test_a_workload_begins_with_the_image_it_was_asked_for_with(shop: None, browser: Browser) -> None:
    assert 'value="idle:1"' in browser.get("/create/deployment/?image=idle:1").content.decode()


def test_a_host_that_does_not_answer_is_not_a_host_without_images(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    host(monkeypatch, None)
    assert "The host does not answer" in browser.get("/images/").content.decode()

    host(monkeypatch, [])
    assert "No images yet" in browser.get("/images/").content.decode()


def test_registries_with_a_password_are_named_and_the_password_is_not(shop: None, browser: Browser) -> None:
    data = {".dockerconfigjson": "eyJhdXRocyI6eyJyZWcuZXhhbXBsZSI6eyJwYXNzd29yZCI6Imh1bnRlcjIifX19"}
    secret = {"metadata": {"name": "reg"}, "type": "kubernetes.io/dockerconfigjson", "data": data}
    scenes.person().create("Secret", secret, "shop")

    text = browser.get("/images/").content.decode()

    assert "reg.example" in text and "hunter2" not in text


@pytest.mark.parametrize("actions", [("cci:image:list", "cci:pod:list"), ("cci:image:list",)])
def test_who_may_not_read_secrets_is_told_so_and_not_that_there_is_no_registry(
    shop: None, browser: Browser, actions: tuple[str, ...]
) -> None:
    looks = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": list(actions)}]}
    admin = identity_of(scenes.user())
    people.create_policy(admin, "looks", document=looks)
    people.create_user(admin, "rob", password="battery staple", policies=["looks"])

    text = signed_in("acme", "rob").get("/images/").content.decode()

    assert "you may not read those of every namespace" in text and "Images that need a password" not in text
    assert "Images that need a password" in browser.get("/images/").content.decode()
