"""Everything that can be clicked can be pressed without a mouse: told by the markup of every sort of page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client as Browser

PRESSED = ("a", "button", "summary", "input", "select", "textarea", "label")
"""Elements that the keyboard presses by itself."""
CLOSES = ("dialog", "div.rail__veil")
"""A click beside what is open closes it, as Escape does."""
PAGES = [
    "/",
    "/namespaces/",
    "/namespaces/shop/",
    "/namespaces/shop/map/",
    "/deployments/",
    "/namespaces/shop/deployments/web/",
    "/namespaces/shop/deployments/web/logs/",
    "/namespaces/shop/deployments/web/scaling/",
    "/namespaces/shop/deployments/web/delete/",
    "/jobs/",
    "/namespaces/shop/cronjobs/web/",
    "/pods/",
    "/namespaces/shop/pods/lonely/",
    "/namespaces/shop/pods/lonely/logs/",
    "/namespaces/shop/pods/lonely/terminal/",
    "/services/",
    "/ingresses/",
    "/configmaps/",
    "/secrets/",
    "/claims/",
    "/elbs/",
    "/users/",
    "/policies/",
    "/audit/",
    "/bills/",
    "/budgets/",
    "/prices/",
    "/settings/",
    "/help/",
    "/search/?q=web",
    "/create/deployment/",
    "/create/cronjob/",
    "/create/yaml/",
    "/namespaces/shop/edit/Deployment/web/",
]


class _Walk(HTMLParser):
    """Collects what only a mouse could use, and what breaks the order of the tab key."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        classes = said.get("class", "").split()
        is_pressed = tag in PRESSED and (tag != "a" or "href" in said)
        is_closed = tag in CLOSES or any(f"{tag}.{one}" in CLOSES for one in classes)
        clicked = [one for one in said.get("data-action", "").split() if one.startswith("click")]
        if (clicked and not (is_pressed or is_closed)) or "onclick" in said:
            self.wrong.append(f"<{tag} {said}> answers the mouse alone")
        if tag == "a" and "href" not in said:
            self.wrong.append(f"<a {said}> has no address: the tab key passes it")
        if said.get("tabindex", "0").isdecimal() and int(said.get("tabindex", "0")) > 0:
            self.wrong.append(f"<{tag} {said}> jumps the queue of the tab key")
        if said.get("role") in ("button", "option", "tab", "link", "menuitem") and not is_pressed:
            self.wrong.append(f"<{tag} {said}> is called a control and takes no focus")
        if "hx-get" in said and "hx-trigger" not in said and not is_pressed:
            self.wrong.append(f"<{tag} {said}> loads at a click alone")


@pytest.mark.parametrize("page", PAGES)
def test_nothing_on_a_page_needs_a_mouse(shop: None, browser: Browser, page: str) -> None:
    walk = _Walk()
    response = browser.get(page)
    walk.feed(response.content.decode())

    assert response.status_code == 200
    assert walk.wrong == []
