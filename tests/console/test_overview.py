"""The first page: who is not ready and why, what people changed, how the month will end, and what may still be made."""

from __future__ import annotations

import re

from django.test import Client as Browser
from django.utils.html import strip_tags

from console import newsrows
from iam import people, policies
from iam.identities import identity_of
from tests.console import scenes
from tests.console.conftest import signed_in


def words_of(browser: Browser) -> str:
    return re.sub(r"\s+", " ", strip_tags(browser.get("/").content.decode()))


def test_a_workload_says_how_many_are_ready_and_which_pod_is_the_reason(shop: None, browser: Browser) -> None:
    web = scenes.deployment("sick", replicas=3, readyReplicas=2)
    scenes.pod("sick-0001-aaaaa", owner=scenes.replica_set(web), status=scenes.crashing())
    page = browser.get("/").content.decode()
    assert '2 of 3 ready: <a class="linked" href="/namespaces/shop/pods/sick-0001-aaaaa/">sick-0001-aaaaa</a>' in page
    assert "exit 137, out of memory" in page


def test_what_people_changed_is_told_by_whom(shop: None, browser: Browser) -> None:
    scenes.person().patch("Deployment", "web", {"spec": {"replicas": 5}}, "application/merge-patch+json", "shop")
    scenes.gone("lonely")
    said = words_of(browser)
    assert "web Deployment · shop pods 2 → 5 alice" in said
    assert "forecast ¥" in said and "Namespaces1 of 5" in said


def test_who_may_not_read_the_trail_is_told_nothing_of_it(shop: None, browser: Browser) -> None:
    people.create_user(identity_of(scenes.user()), "eve", password="secret-secret", policies=[policies.READ_ONLY])
    visitor = signed_in("acme", "eve")
    assert "What people changed" not in words_of(visitor)


def test_the_most_telling_change_is_said() -> None:
    image = {"path": "spec.template.spec.containers[0].image", "before": "shop/web:2.3", "after": "shop/web:2.4"}
    replicas = {"path": "spec.replicas", "before": 2, "after": 3}
    assert newsrows.words("cci:deployment:update", [replicas, image]) == "image web:2.3 → web:2.4"
    assert newsrows.words("cci:deployment:update", [replicas]) == "pods 2 → 3"
    assert newsrows.words("cci:job:update", [{"path": "spec.suspend", "after": True}]) == "suspended"
    assert newsrows.words("cci:job:delete", []) == "deleted"
