"""Sentences that the rooms below say on pages: the console knows each of them by its words, so they change together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.utils import translation

from console import lowerwords
from console.forms import sizes
from console.forms.drafts import spoken
from console.forms.sizes import SizeDraft
from iam.policies import SYSTEM
from workloads.kinds import claimspecs, grids
from workloads.meta import names
from workloads.meta.errors import Cause

V100 = grids.V100_16


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    with translation.override("zh-hans"):
        yield


def test_every_system_policy_is_described_in_the_pages_language() -> None:
    assert [one.name for one in SYSTEM.values() if lowerwords.said(one.description) == one.description] == []


def test_every_storage_class_is_described_in_the_pages_language() -> None:
    said = [one.words for one in claimspecs.CLASSES.values()]
    assert [text for text in said if lowerwords.said(text) == text] == []


def test_rules_of_the_grid_are_said_in_the_pages_language(db: None) -> None:
    assert sizes.cpu_rule() != lowerwords.said(sizes.cpu_rule()) == "0.25-32 核（步长 0.25），或正好 48 或 64 核"
    assert SizeDraft("free", "33", "600").rules() == (
        "Pod 的 CPU 须为 0.25-32 核（步长 0.25），或正好 48 或 64 核。",
        "Pod 的内存须为整数 GiB，范围 1-512。",
        "Pod 每核须配 2 至 8 GiB 内存。",
    )


@pytest.mark.parametrize("flavor", grids.FLAVORS)
@pytest.mark.parametrize("asked", [(33_000, 600, "", 0), (250, 9, "", 0), (4_000, 32, V100, 3), (4_000, 16, V100, 1)])
def test_rules_of_every_flavor_are_said_in_the_pages_language(flavor: str, asked: tuple[int, int, str, int]) -> None:
    cores, gib, card, cards = asked
    size = grids.Size(cores, gib * grids.GIB, card, cards)
    for rule in grids.broken_rules(size, grids.DEFAULT.of(flavor)):
        english = re.findall(
            r"[A-Za-z]{2,}", re.sub(r"nvidia\.com/\S+|namespace\S*|gpu-accelerated", "", lowerwords.said(rule))
        )
        assert set(english) <= {"Pod", "CPU", "GiB", "limits"}, lowerwords.said(rule)


@pytest.mark.parametrize("row", grids.DEFAULT.rows, ids=str)
def test_every_row_of_the_grid_is_named_in_the_pages_language(row: grids.Row) -> None:
    assert not {"cores", "core", "steps", "exactly"} & set(re.findall(r"[a-z]+", lowerwords.said(str(row))))


@pytest.mark.parametrize("rule", [names.dns_label, names.dns_subdomain, names.environment_name])
@pytest.mark.parametrize("text", ["9 Shop!", "a" * 2000])
def test_rules_of_names_are_said_beside_their_field(rule: Callable[[str], list[str]], text: str) -> None:
    for problem in rule(text):
        assert not spoken(Cause("metadata.name", f'Invalid value: "{text}": {problem}')).isascii()


def test_what_is_not_known_stays_as_it_is_and_english_stays_english() -> None:
    assert lowerwords.said("No space left on device.") == "No space left on device."
    with translation.override("en"):
        for text in ("Billed as requested.", "0.25-32 cores in steps of 0.25, or exactly 48 or 64", "A faster disk."):
            assert lowerwords.said(text) == text
