"""What stands on a page for its reader: markup as a tree in which an element can be put in another's place, as a
browser does with what its socket sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "use", "wbr"}
KEPT_BY_BROWSER = ("age", "tick")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Words alone, without those that the browser keeps true by itself."""
        if self.attributes.get("data-controller") in KEPT_BY_BROWSER or self.tag in ("script", "style"):
            return ""
        parts = (one if isinstance(one, str) else one.text for one in self.inside)
        return " ".join(word for part in parts for word in part.split())

    @property
    def elements(self) -> list[Element]:
        return [one for one in self.inside if isinstance(one, Element)]

    def become(self, fresh: Element) -> None:
        self.tag, self.attributes, self.inside = fresh.tag, fresh.attributes, fresh.inside

    def find(self, identifier: str) -> Element | None:
        if self.attributes.get("id") == identifier:
            return self
        found = (one.find(identifier) for one in self.elements)
        return next((one for one in found if one is not None), None)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, dict(attrs))
        self.open[-1].inside.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            while len(self.open) > 1 and self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(html: str) -> Element:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.open[0]


class Screen:
    def __init__(self, html: str) -> None:
        self.page = read(html)

    def take(self, regions: dict[str, str | dict[str, str]]) -> None:
        """As live.ts does: what is not on the page is passed over."""
        for identifier, said in regions.items():
            old = self.page.find(identifier)
            if old is None:
                continue
            if isinstance(said, dict):
                for place, html in said.items():
                    old.elements[int(place)].become(read(html).elements[0])
            elif (fresh := read(said).find(identifier)) is not None:
                old.become(fresh)

    @property
    def text(self) -> str:
        main = self.page.find("main")
        return "" if main is None else main.text
