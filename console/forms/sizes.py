"""The pod specification in a form: one of the cards, or cores and GiB chosen freely, with what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from console.forms.drafts import Fields, text
from console.lowerwords import said
from workloads.client import pod_specifications
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Row, Size, Specification
from workloads.meta.quantity import GIB

CARDS = ("0.25_1.0", "0.50_1.0", "1.00_2.0", "2.00_4.0")
FREE = "free"
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")


@dataclass(frozen=True)
class SizeDraft:
    """`choice` is a card's annotation or `free`."""

    choice: str = CARDS[0]
    cores: str = "4"
    gib: str = "16"

    @classmethod
    def read(cls, fields: Fields) -> SizeDraft:
        choice = text(fields, "size", CARDS[0])
        if choice != FREE and choice not in CARDS:
            return cls.of(choice)
        return cls(choice, text(fields, "size_cores", "4"), text(fields, "size_gib", "16"))

    @classmethod
    def of(cls, annotation: str) -> SizeDraft:
        """The choice that stands for `2.00_4.0`: its card, or the two numbers."""
        if annotation in CARDS:
            return cls(annotation)
        cores, _sep, gib = annotation.partition("_")
        return cls(FREE, short(cores), short(gib))

    @property
    def annotation(self) -> str:
        """What the manifest says; as typed where it is no size."""
        found = self.specification
        if self.choice != FREE:
            return self.choice
        return found.annotation() if found else f"{self.cores}_{self.gib}"

    @property
    def specification(self) -> Specification | None:
        """None while it is none that can be had."""
        asked = self._asked()
        if asked is None or podspecs.broken_rules(asked, _rows()):
            return None
        return Specification(asked.cpu_millis, asked.memory_bytes // GIB)

    def rules(self) -> tuple[str, ...]:
        """The rules it breaks, as sentences."""
        asked = self._asked()
        if asked is None:
            return (_("Write cores and GiB as numbers, for example 1.5 and 4."),)
        return tuple(said(rule[:1].upper() + rule[1:] + ".") for rule in podspecs.broken_rules(asked, _rows()))

    def nearest(self) -> tuple[Specification, ...]:
        """Sizes that can be had instead; none when it is one itself."""
        asked = self._asked()
        return podspecs.nearest(asked, _rows()) if asked and self.specification is None else ()

    def _asked(self) -> Size | None:
        cores, _sep, gib = self.choice.partition("_") if self.choice != FREE else (self.cores, "", self.gib)
        if not (_NUMBER.fullmatch(cores) and _NUMBER.fullmatch(gib)):
            return None
        return Size(int(Decimal(cores) * 1000), int(Decimal(gib) * GIB))


def cards() -> list[Specification]:
    """The sizes offered as cards: those of `CARDS` that the operator's grid has."""
    parsed = [podspecs.parse(card) for card in CARDS]
    return [card for card in parsed if card and podspecs.on_grid(card, _rows())]


def cpu_rule() -> str:
    """`0.25-32 cores in steps of 0.25, or exactly 48 or 64`: the operator's."""
    return podspecs.cpu_words(_rows())


def _rows() -> tuple[Row, ...]:
    return pod_specifications().of(podspecs.GENERAL)


def short(number: str) -> str:
    """`2.00` -> `2`."""
    return number.rstrip("0").rstrip(".") if _NUMBER.fullmatch(number) and "." in number else number
