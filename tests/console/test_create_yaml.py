"""Create from YAML by plain posts: all of a text or nothing of it, every mistake with its place, strangers' texts in
bounded time."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import Any

import orjson
import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from console.views.create_yaml import STARTS
from tests import manifests, refused
from tests.console import scenes

PAGE = "/create/yaml/"
BOUND_SECONDS = 10
"""Generous on a busy machine; without a bound these would take hours or all memory."""


def dump(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False)


def post(browser: Browser, text: str, go: str = "create", **fields: str) -> Any:
    return browser.post(PAGE, {"text": text, "go": go, "namespace": "shop", **fields})


def verdicts(response: Any) -> list[str]:
    """Each document's verdict in words."""
    items = re.findall(r'<li class="verdicts__item">(.*?)</li>', response.content.decode(), re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]+>", " ", item)).split()) for item in items]


def complaint(response: Any) -> str:
    found = re.search(r'id="id_text_error">(.*?)</ul>', response.content.decode(), re.DOTALL)
    return unescape(re.sub("<[^>]+>", "", found[1])).strip() if found else ""


def test_several_documents_are_created_and_linked(shop: None, browser: Browser) -> None:
    response = post(browser, dump(manifests.deployment("one"), manifests.pod("two")))

    assert response.status_code == 200
    assert b"2 created" in response.content
    assert b'href="/namespaces/shop/deployments/one/"' in response.content
    assert b'href="/namespaces/shop/pods/two/"' in response.content


def test_a_namespace_and_what_lives_in_it_may_stand_in_one_text_in_any_order(browser: Browser) -> None:
    inside = manifests.deployment("web")
    inside["metadata"]["namespace"] = "fresh"
    response = post(browser, dump(inside, manifests.namespace("fresh")), namespace="")

    assert [one.split()[0] for one in verdicts(response)] == ["Created", "Created"]
    assert scenes.person().get("Deployment", "web", "fresh")


def test_checking_creates_nothing(shop: None, browser: Browser) -> None:
    inside = manifests.deployment("web")
    inside["metadata"]["namespace"] = "fresh"
    text = dump(manifests.pod("two"), manifests.namespace("fresh"), inside)
    response = post(browser, text, go="check")

    assert [one.split(" line")[0] for one in verdicts(response)] == ["Valid", "Valid", "Waits for its namespace"]
    assert scenes.person().count("Namespace") == 1


def test_checking_says_of_what_is_there_that_apply_would_change_it(shop: None, browser: Browser) -> None:
    text = dump({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}})
    response = post(browser, text, go="check")
    assert response.status_code == 200
    assert "There already: Apply changes it" in verdicts(response)[0]

    post(browser, text, go="apply")
    assert scenes.person().get("Deployment", "web", "shop")["spec"]["replicas"] == 5


def test_a_field_that_there_is_not_is_told_in_words(shop: None, browser: Browser) -> None:
    response = post(browser, dump({**manifests.pod("one"), "sepc": {}}), go="check")
    assert "strict decoding" not in complaint(response)
    assert "<code>sepc</code> No field of this kind: look for its spelling and its place." in response.content.decode()


@pytest.mark.parametrize("start", [start.name for start in STARTS])
def test_an_empty_text_can_begin_with_what_would_be_accepted(shop: None, browser: Browser, start: str) -> None:
    assert f"?namespace=shop&amp;start={start}" in browser.get(f"{PAGE}?namespace=shop").content.decode()
    begun = browser.get(f"{PAGE}?namespace=shop&start={start}").content.decode()
    (text,) = re.findall(r'name="text"[^\n]*>\n(.*?)</textarea>', begun, re.DOTALL)
    response = post(browser, unescape(text), go="check")
    assert response.status_code == 200
    assert all(said.startswith("Valid") for said in verdicts(response))


def test_nothing_is_created_while_one_document_is_wrong(shop: None, browser: Browser) -> None:
    wrong = manifests.deployment("wrong")
    wrong["spec"]["replicaz"] = 2
    response = post(browser, dump(manifests.pod("right"), wrong))

    assert response.status_code == 422
    assert "spec.replicaz No field of this kind" in verdicts(response)[1]
    assert "right" not in [one["metadata"]["name"] for one in scenes.person().list("Pod", "shop").items]


def test_a_new_namespace_is_taken_back_when_what_lives_in_it_is_refused(shop: None, browser: Browser) -> None:
    wrong = manifests.deployment("web", hostNetwork=True)
    wrong["metadata"]["namespace"] = "fresh"
    response = post(browser, dump(manifests.namespace("fresh"), manifests.pod("outside"), wrong))

    assert [one.split(" line")[0] for one in verdicts(response)] == ["Taken back", "Not created", "Refused"]
    assert "outside" not in [one["metadata"]["name"] for one in scenes.person().list("Pod", "shop").items]
    assert "deletionTimestamp" in scenes.person().get("Namespace", "fresh")["metadata"]


def test_what_exists_is_refused_with_what_to_do(shop: None, browser: Browser) -> None:
    assert "change the one that is there with Apply" in verdicts(post(browser, dump(manifests.deployment("web"))))[0]


def test_the_same_object_twice_is_refused_where_it_stands_again(shop: None, browser: Browser) -> None:
    said = verdicts(post(browser, dump(manifests.pod("two"), manifests.pod("two"))))
    assert said[0].startswith("Valid")
    assert "stands at line 1 already" in said[1]


def test_a_key_twice_in_one_document_is_refused(shop: None, browser: Browser) -> None:
    text = dump(manifests.deployment("one")).replace("replicas: 2", "replicas: 2\n  replicas: 3")
    assert "spec.replicas" in verdicts(post(browser, text))[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind: Pod\n  name: [", "line 2, column 7"),
        ("a: 1\nb: *nobody\n", "line 2, column 4"),
        ("", "nothing here"),
        ("# only a comment\n---\n", "nothing here"),
        ("a: !!python/object:os.system x", "not supported"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place_and_kept(browser: Browser, text: str, sentence: str) -> None:
    response = post(browser, text)
    assert response.status_code == 422
    assert sentence in complaint(response)
    assert text.split("\n")[0] in unescape(response.content.decode())


@pytest.mark.parametrize("name", refused.EVERY)
def test_what_is_never_offered_says_so_with_what_to_do_instead(shop: None, browser: Browser, name: str) -> None:
    (said,) = verdicts(post(browser, dump(refused.manifest(name))))
    assert said.startswith("Refused")
    assert refused.EVERY[name].sentence in said


def test_services_and_ingresses_of_both_shapes_are_created(shop: None, browser: Browser) -> None:
    backend = {"serviceName": "web", "servicePort": 80}
    old = {
        "apiVersion": "extensions/v1beta1",
        "kind": "Ingress",
        "metadata": {"name": "old"},
        "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]},
    }
    post(browser, dump(manifests.service("api"), manifests.ingress("api"), old))

    assert [one["metadata"]["name"] for one in scenes.person().list("Service", "shop").items] == ["api", "web"]
    assert [one["metadata"]["name"] for one in scenes.person().list("Ingress", "shop").items] == ["api", "old", "web"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("just words", "mapping"),
        ("- 1\n- 2", "mapping"),
        ("metadata: {name: x}", "kind: required"),
        ("apiVersion: v2\nkind: Pod\nmetadata: {name: x}", "served as v1"),
        ("apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: x}", "DaemonSet"),
        ("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}", "StatefulSet"),
        ("apiVersion: v1\nkind: Pod\nmetadata: 5", "metadata"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: [x]}", "metadata.name"),
        ("apiVersion: v1\nkind: [Pod]\nmetadata: {name: x}", "not served"),
        ("apiVersion: {a: 1}\nkind: Pod\nmetadata: {name: x}", "served as v1"),
    ],
)
def test_what_is_no_manifest_is_said_at_its_document(shop: None, browser: Browser, text: str, sentence: str) -> None:
    (said,) = verdicts(post(browser, text))
    assert said.startswith("Refused")
    assert sentence in said


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BOMB, "aliases"),
        ("---\na: 1\n" * 10_000, "documents"),
        ("[" * 50_000, "deeper than 100"),
        ("a: " + "{b: " * 200 + "1" + "}" * 200, "deeper than 100"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(1500)), "deeper than 100"),
        ("- x\n" * 300_000, "values"),
        ("#" * (3 * 1024 * 1024 + 1), "3 MB"),
        ("é" * (2 * 1024 * 1024), "3 MB"),
    ],
    ids=["alias bomb", "10,000 documents", "brackets", "braces", "indentation", "values", "3 MB", "3 MB of letters"],
)
def test_what_would_cost_too_much_is_refused_in_bounded_time(browser: Browser, text: str, sentence: str) -> None:
    began = time.monotonic()
    response = post(browser, text)

    assert time.monotonic() - began < BOUND_SECONDS
    assert response.status_code == 422
    assert sentence in complaint(response)


def test_a_file_takes_the_place_of_the_text(shop: None, browser: Browser) -> None:
    file = SimpleUploadedFile("pod.yaml", b"\xef\xbb\xbf" + dump(manifests.pod("filed")).encode())
    response = browser.post(PAGE, {"text": "not this", "file": file, "go": "create", "namespace": "shop"})

    assert response.status_code == 200
    assert scenes.person().get("Pod", "filed", "shop")


def test_json_is_yaml_too(shop: None, browser: Browser) -> None:
    text = orjson.dumps(manifests.pod("j")).decode()
    assert post(browser, text).status_code == 200


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"\xff\xfe\x00", b"UTF-8"), (b"#" * (3 * 1024 * 1024 + 1), b"larger than 3 MB")]
)
def test_a_file_that_cannot_be_read_is_said_at_the_file(browser: Browser, content: bytes, sentence: bytes) -> None:
    response = browser.post(PAGE, {"file": SimpleUploadedFile("x", content), "go": "create"})
    page = response.content
    assert response.status_code == 422
    assert sentence in page[page.index(b'id="id_file_error"') : page.index(b'id="verdicts"')]


def test_a_quota_that_is_reached_in_the_middle_takes_the_text_back(browser: Browser, settings: Any) -> None:
    settings.NAMESPACE_QUOTA = 1
    said = verdicts(post(browser, dump(manifests.namespace("first"), manifests.namespace("second"))))
    assert said[0].startswith("Taken back")
    assert "1 of 1 namespaces" in said[1]


def test_what_is_written_is_shown_as_text(browser: Browser) -> None:
    response = post(browser, "</textarea><script>alert(1)</script>: 1")
    assert b"<script>alert" not in response.content


def test_apply_changes_what_is_there_and_makes_what_is_new(shop: None, browser: Browser) -> None:
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"size": "large"}}
    fresh = {**live, "metadata": {"name": "fresh"}}
    response = post(browser, dump(live, fresh), "apply")

    assert [one.split()[0] for one in verdicts(response)] == ["Changed", "Created"]
    assert scenes.person().get("ConfigMap", "web", "shop")["data"] == {"colour": "blue", "size": "large"}
    assert [one.split()[0] for one in verdicts(post(browser, dump(live, fresh), "apply"))] == ["Same", "Same"]


def test_apply_changes_nothing_while_one_document_is_wrong(shop: None, browser: Browser) -> None:
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"size": "large"}}
    wrong = manifests.deployment("wrong", replicas=-1)
    response = post(browser, dump(live, wrong), "apply")

    assert response.status_code == 422
    assert scenes.person().get("ConfigMap", "web", "shop")["data"] == {"colour": "blue"}
