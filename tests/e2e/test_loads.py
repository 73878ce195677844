"""What pages are before anybody touches them: light, still, and usable by everybody. In a real browser."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.chromium import NARROW, WIDE, dress, sign_in
from tests.stack import ROOT, Stack

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
JSON = dict[str, Any]
MOST_BYTES, MOST_SHIFT = 150 * 1024, 0.01
FIRST_LOAD = """async () => {
    const found = { shift: 0, paint: 0 };
    const look = (type, each) =>
        new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
    look('layout-shift', (entry) => { if (!entry.hadRecentInput) found.shift += entry.value; });
    look('largest-contentful-paint', (entry) => { found.paint = entry.startTime; });
    const rest = () => new Promise((done) => setTimeout(done, 25));
    await rest();
    const writing = document.querySelector('[data-controller~=editor]') !== null;
    for (let turn = 0; writing && document.querySelector('.cm-editor') === null && turn < 200; turn += 1) await rest();
    const loaded = performance.getEntriesByType('resource');
    const written = loaded.filter((one) => /\\.(js|css)$/.test(one.name));
    const bytes = written.reduce((sum, one) => sum + one.encodedBodySize, 0);
    return { ...found, bytes, names: loaded.map((one) => one.name) };
}"""


def lively_pages(stack: Stack, namespace: str) -> list[str]:
    """What is made by scripts of what the running product sends. All other pages, and these without it, are walked in
    tests/console/test_accessible.py."""
    pod = f"/namespaces/{namespace}/pods/{stack.first_pod(namespace)}/"
    deployment = f"/namespaces/{namespace}/deployments/web/"
    return [
        *(pod + tab for tab in ("logs/", "terminal/", "monitoring/")),
        *(deployment + tab for tab in ("logs/", "map/")),
        f"/namespaces/{namespace}/edit/Deployment/web/",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_that_live_can_be_used_by_everybody(stack: Stack, browser: Browser, shop: str, theme: str) -> None:
    """axe finds no violation of WCAG 2 A and AA."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    dress(context, stack, theme)
    page = context.new_page()
    sign_in(page, stack)
    found: dict[str, list[Any]] = {}
    for path in lively_pages(stack, shop):
        page.goto(stack.url + path)
        page.evaluate(AXE.read_text())
        result = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })")
        for violation in result["violations"]:
            where = [node["target"][0] for node in violation["nodes"]][:4]
            found.setdefault(f"{violation['id']}: {violation['help']}", []).append((path, where))
    context.close()
    assert found == {}


def test_a_first_load_is_light_and_moves_nothing(stack: Stack, browser: Browser, shop: str) -> None:
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    dress(context, stack, "light")
    page = context.new_page()
    sign_in(page, stack)
    space = f"/namespaces/{shop}/"
    paths = ["/", "/bills/", f"{space}deployments/", f"{space}pods/", f"/create/yaml/?namespace={shop}"]
    loads = {path: first_load(page, stack.url + path) for path in [*paths, *lively_pages(stack, shop)]}
    context.close()
    assert_light(stack, loads)


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_on_a_slow_line(stack: Stack, browser: Browser, shop: str, motion: Any) -> None:
    """Fonts, scripts and the editor come late, to a processor that has other work."""
    context = browser.new_context(viewport=NARROW, reduced_motion=motion)
    page = context.new_page()
    sign_in(page, stack)
    slow = context.new_cdp_session(page)
    slow.send("Network.enable")
    slow.send("Network.setCacheDisabled", {"cacheDisabled": True})
    line = {"offline": False, "latency": 100, "downloadThroughput": 500_000, "uploadThroughput": 200_000}
    slow.send("Network.emulateNetworkConditions", line)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 3})
    moved = {}
    for path in ("deployments/web/edit/", "edit/Deployment/web/"):
        page.goto(f"{stack.url}/namespaces/{shop}/{path}", wait_until="networkidle")
        moved[path] = page.evaluate(FIRST_LOAD)["shift"]
    context.close()
    assert max(moved.values()) < MOST_SHIFT / 2, moved


def first_load(page: Page, url: str) -> JSON:
    """What a page made the browser load and do before anybody touched it."""
    page.goto(url)
    found: JSON = page.evaluate(FIRST_LOAD)
    return found


def assert_light(stack: Stack, loads: dict[str, JSON]) -> None:
    """Scripts and styles of a first load are under 150 KB, nothing moves, nobody else is asked."""
    outside = {path: names for path, one in loads.items() if (names := elsewhere(stack, one))}
    heavy = {path: one["bytes"] for path, one in loads.items() if one["bytes"] >= MOST_BYTES}
    moving = {path: one["shift"] for path, one in loads.items() if one["shift"] > MOST_SHIFT}
    assert (outside, heavy, moving) == ({}, {}, {})
    assert statistics.median(one["paint"] for one in loads.values()) < 1000


def elsewhere(stack: Stack, load: JSON) -> list[str]:
    return [name for name in load["names"] if not name.startswith((stack.url, "data:"))]
