"""What a list chooses by, the store chooses as Python would, and a page of it continues where it ended."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from tests.workloads.store.drafts import draft
from workloads.meta import selectors
from workloads.store import objects
from workloads.store.sieves import Sieve, of_labels

pytestmark = pytest.mark.django_db

SELECTORS = (
    "app=web",
    "app!=web",
    "app",
    "!app",
    "app in (web,api)",
    "app notin (web,api)",
    "tier=web",
    "example.com/app=web",
    "app=",
    "app=web,tier!=web",
)


def fill() -> list[objects.Row]:
    labels: list[dict[str, str]] = [
        {},
        {"app": "web"},
        {"app": "api", "tier": "web"},
        {"example.com/app": "web"},
        {"app": ""},
    ]
    told = product(labels, ("Running", "Failed"), ("", "look"), ("", "Job", "ReplicaSet"))
    made = [
        replace(draft(f"pod-{number:03}", labels=some, phase=phase), health=health, owner_kind=owner)
        for number, (some, phase, health, owner) in enumerate(told)
    ]
    return [objects.insert(one) for one in made]


def names(sieve: Sieve, *, limit: int = 1000) -> list[str]:
    """Of all pages."""
    found: list[str] = []
    after = None
    while True:
        page = objects.scan("Pod", account="acme", sieve=sieve, limit=limit, after=after)
        found += [row.key.name for row in page.rows]
        if not page.remaining:
            return found
        after = ("acme", page.rows[-1].key.namespace, page.rows[-1].key.name)


@pytest.mark.parametrize("text", SELECTORS)
def test_labels_are_chosen_as_a_selector_chooses_them(text: str) -> None:
    rows, selector = fill(), selectors.parse(text)

    chosen = names(Sieve(labels=of_labels(selector)))

    assert chosen == [row.key.name for row in rows if selector.matches(row.labels)]


def test_what_the_store_cannot_compare_it_leaves_to_the_reader() -> None:
    assert of_labels(selectors.parse("size>3,app=web")) == selectors.parse("app=web").requirements


def test_terms_together_are_an_and_and_several_words_of_one_an_or() -> None:
    rows = fill()

    chosen = names(Sieve(phases=("Failed",), health=("look", "changing"), owner_kinds=("", "Job"), name_part="d-0"))

    wanted = [row for row in rows if row.phase == "Failed" and "d-0" in row.key.name]
    assert 0 < len(chosen) < len(wanted)
    assert set(chosen) <= {row.key.name for row in wanted}
    assert chosen == sorted(chosen)


def test_the_pages_together_are_the_whole() -> None:
    fill()
    sieve = Sieve(not_phases=("Running",))

    assert names(sieve, limit=7) == names(sieve) != []


def test_a_sieve_that_finds_nothing_still_knows_the_head_of_the_log() -> None:
    rows = fill()

    page = objects.scan("Pod", account="acme", sieve=Sieve(name_part="nobody"), limit=50)

    assert (page.rows, page.revision, page.remaining) == ([], rows[-1].revision, 0)


def test_what_owners_own_is_found_for_many_at_once() -> None:
    mine = [objects.insert(draft(f"pod-{number}", owner_uid=f"owner-{number % 3}")) for number in range(9)]
    objects.insert(draft("foreign", account="other", owner_uid="owner-0"))

    found = objects.owned("Pod", ["owner-0", "owner-1", "nobody", ""], account="acme", each=2)

    assert sorted(row.key.name for row in found) == ["pod-0", "pod-1", "pod-3", "pod-4"]
    assert {row.uid for row in found} <= {row.uid for row in mine}


def test_images_are_counted_of_all_pods_of_an_account_as_they_change() -> None:
    told = ["" if number % 3 == 0 else "web:1 proxy:2" for number in range(12)]
    drafts = [replace(draft(f"pod-{at:04}", phase="Running"), images=images) for at, images in enumerate(told)]
    made = [objects.insert(one) for one in drafts]
    objects.insert(replace(draft("stranger", account="other", phase="Running"), images="web:1 proxy:2"))
    assert list(objects.images("acme")) == [("web:1 proxy:2", "shop", "Running", 8)]

    objects.update(replace(draft("pod-0001", phase="Failed"), images="web:2"), expected_revision=made[1].revision)
    assert sorted(objects.images("acme")) == [
        ("web:1 proxy:2", "shop", "Running", 7),
        ("web:2", "shop", "Failed", 1),
    ]
