"""A headless Chromium for journeys: signed in, and with an eye on its own console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.stack import PASSWORD, Stack

expect.set_options(timeout=15_000)
"""A busy machine is slow; what does not come is still missed."""

WIDE: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
_TOLD_ANYWAY = ("422 (Unprocessable Entity)", "htmx:afterRequest,", "htmx:sendAbort,")
"""Chromium notes every answer of 4xx as an error; a form that was refused is one. htmx notes a request that ends with
its page; of one that finds no server it says `htmx:sendError`, too."""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, stack: Stack, *, account: str = "demo", user: str = "admin") -> None:
    """From the sign-in page to wherever it leads."""
    if "/sign-in/" not in page.url:
        page.goto(f"{stack.url}/sign-in/")
    page.get_by_label("Account").fill(account)
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def dress(context: BrowserContext, stack: Stack, theme: str) -> None:
    context.add_cookies([{"name": "cci_theme", "value": theme, "url": stack.url}])


def complaints(page: Page) -> list[str]:
    """What the page's console says from now on that it should not have to: errors, and exceptions nobody caught."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(note in message.text for note in _TOLD_ANYWAY):
            heard.append(message.text)

    def fail(error: Error) -> None:
        heard.append(str(error))

    def crash(_page: Page) -> None:
        heard.append("the page crashed")

    page.on("console", hear)
    page.on("pageerror", fail)
    page.on("crash", crash)
    return heard
