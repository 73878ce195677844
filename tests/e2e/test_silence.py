"""A server that falls silent without closing anything: the page notices, says so, and is right again when it speaks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.e2e.chromium import WIDE, chromium, sign_in
from tests.stack import Stack


@contextmanager
def frozen(stack: Stack, program: str) -> Iterator[None]:
    """It holds its sockets and does nothing."""
    process = stack.pid(program)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_page_says_that_its_server_fell_silent_and_goes_on_when_it_speaks(stack: Stack) -> None:
    with chromium() as browser:
        page = browser.new_context(viewport=WIDE).new_page()
        sign_in(page, stack)
        page.clock.install()
        page.goto(f"{stack.url}/namespaces/")
        expect(page.get_by_role("heading", name="Namespaces")).to_be_visible()
        page.evaluate("window.sameDocument = true")
        offline = page.locator("#offline")

        page.clock.fast_forward(16_000)
        expect(offline).to_be_hidden()
        with frozen(stack, "web"):
            for _turn in range(4):
                page.clock.fast_forward(16_000)
            expect(offline).to_be_visible()

        expect(offline).to_be_hidden(timeout=60_000)
        stack.kubectl("create", "namespace", "after-the-silence")
        expect(page.get_by_role("link", name="after-the-silence").first).to_be_visible(timeout=20_000)
        assert page.evaluate("window.sameDocument")
        stack.kubectl("delete", "namespace", "after-the-silence")
