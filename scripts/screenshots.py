"""`make screenshots`: every page of the console as a person would see it, in English and Chinese, light and dark, wide
and narrow.

Starts its own product beside whatever runs, fills a namespace with what pages must tell apart (`demo_shop`), and writes
artifacts/screenshots/ with an index.html that filters. Pages come from the console's url table, so that none is
forgotten; what is seen only after a click, or in a state of its own, is in `states`. A page is loaded once a language;
theme and width are changed in place. On the way of a whole run the picture of the README is taken:
docs/images/console.png.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from django.urls import URLPattern
from playwright.sync_api import Browser, BrowserContext, Error, Page

from scripts import messages
from scripts.demo_shop import NAMESPACE, seed
from scripts.images import DEMO_IMAGE, build_demo_image
from tests.e2e.chromium import NARROW, WIDE, chromium, dress, sign_in
from tests.images import local_registry
from tests.stack import Stack, free_port, running_stack

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "artifacts" / "screenshots"
README_PICTURE = ROOT / "docs" / "images" / "console.png"
FC_LIST = shutil.which("fc-list")
INDEX = Path(__file__).with_name("screenshots.html")
SIZES = {"1440": WIDE, "390": NARROW}
LANGUAGES = {"en": "en", "zh": "zh-hans"}
LOOKS = {
    "en": [("light", "1440"), ("dark", "1440"), ("light", "390"), ("dark", "390")],
    "zh": [("light", "1440"), ("dark", "390")],
}
"""In which theme and width a page is taken, by language."""
NO_PICTURE = re.compile(r"stream|csv|json|export|kubeconfig$|authenticator|schema|yaml-kinds|yaml-names|manifest|rest-")
"""Names of urls that are files or streams."""
DRESS = """(theme) => {
    document.documentElement.dataset.theme = theme;
    document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
}"""
NAMES = {
    "deployments": "web",
    "jobs": "import",
    "cronjobs": "nightly",
    "claims": "orders",
    "configmaps": "settings",
    "secrets": "database",
    "services": "web",
    "networks": "default-network",
    "serviceaccounts": "default",
    "ingresses": "web",
    "elbs": "shop",
    "users": "bob",
    "groups": "developers",
    "policies": "look at pods",
    "budgets": "month",
    "access": "web",
    "roles": "log-reader",
    "binding": "auditors",
    "edit/Deployment": "web",
    "edit/ELB": "shop",
}
"""Whose page is shown, by the word before it in the address."""
JSON = dict[str, Any]
Steps = Callable[[Page], None]


@dataclass(frozen=True)
class Shot:
    """A page, and what is done on it before the picture."""

    name: str
    path: str
    steps: Steps | None = None


def main(wanted: list[str]) -> int:
    """All pictures, or those whose name contains one of `wanted`."""
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    tell_of_letters()
    build_demo_image()
    with local_registry(free_port()) as registry, running_stack() as stack:
        seed(stack, registry)
        known, hands = [*pages(stack), *states(stack)], os.cpu_count() or 2
        shots = [one for one in known if not wanted or any(word in one.name for word in wanted)]
        with ThreadPoolExecutor(hands) as pool:
            done = pool.map(lambda place: list(take(stack, shots[place::hands])), range(hands))
            taken = [one for several in done for one in several]
        with chromium() as browser:
            taken += take_doors(stack, browser)
            if not wanted:
                take_readme_picture(stack, browser.new_context(viewport={"width": 1440, "height": 700}))
    listed = INDEX.read_text().replace("/* PICTURES */", json.dumps(sorted(taken)))
    (TARGET / "index.html").write_text(listed)
    print(f"{len(taken)} pictures: {TARGET / 'index.html'}")
    return 0


def tell_of_letters() -> None:
    """Without a font that has Chinese, every letter of it is a box, and as narrow as one."""
    fonts = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=False).stdout if FC_LIST else b"?"
    if not fonts.strip():
        print("no font here has Chinese: its pictures show boxes (apt-get install fonts-noto-cjk)", file=sys.stderr)


def pages(stack: Stack) -> Iterator[Shot]:
    """One picture a url that answers with a page; what cannot be shown here (no bill is settled yet) is said."""
    messages.set_up_django()
    from console.urls import pages as patterns

    pods = {
        (pod["metadata"].get("labels") or {}).get("app", ""): pod["metadata"]["name"]
        for pod in stack.get("pods", "-n", NAMESPACE)["items"]
    }
    with closing(stack.http()) as client:
        gone = re.search(r"/ended-pods/([0-9a-f-]{36})/", client.get("/ended-pods/").text)
        values = {"namespace": NAMESPACE, "period": f"{datetime.now(UTC):%Y-%m}", "uid": gone[1] if gone else ""}
        for pattern in patterns:
            name = str(pattern.name)
            path = address(pattern, {**values, "pod": values["uid"], "kind": _kind(pattern)}, pods)
            if NO_PICTURE.search(name) or name in ("login", "logout", "theme", "language"):
                continue
            if path and _is_page(client.get(path)):
                yield Shot(name, path)
            else:
                print(f"no picture of {name}: {path or pattern.pattern}", file=sys.stderr)


def address(pattern: URLPattern, values: dict[str, str], pods: dict[str, str]) -> str:
    """ "" where something in it is not known here."""
    route = str(pattern.pattern)
    for name in pattern.pattern.converters:
        before = re.split(r"<\w+:name>", route)[0].rstrip("/")
        words = before.split("/")
        known = NAMES.get("/".join(words[-2:])) or NAMES.get(words[-1], "web")
        known = pods["web"] if before.endswith("/pods") else known
        value = known if name == "name" else values.get(name, "")
        if not value:
            return ""
        route = re.sub(rf"<\w+:{name}>", value, route)
    return f"/{route}"


def _kind(pattern: URLPattern) -> str:
    return "Deployment" if "namespace" in pattern.pattern.converters else "ELB"


def _is_page(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and "<html" in answer.text[:400]


def states(stack: Stack) -> Iterator[Shot]:
    """What pages look like in trouble, at work, without anything, and after a click."""
    space = f"/namespaces/{NAMESPACE}/"
    pods = {
        (pod["metadata"].get("labels") or {}).get("app", ""): pod["metadata"]["name"]
        for pod in stack.get("pods", "-n", NAMESPACE)["items"]
    }
    sick = f"{space}pods/{pods['checkout']}/"
    yield Shot("state-missing", "/namespaces/nowhere/")
    yield Shot("state-nothing-found", f"{space}deployments/?q=nothing-like-it")
    yield Shot("state-deployment-sick", f"{space}deployments/checkout/")
    yield Shot("state-deployment-image", f"{space}deployments/search/")
    yield Shot("state-deployment-stopped", f"{space}deployments/preview/")
    yield Shot("state-deployment-changed", f"{space}deployments/web/upgrades/")
    yield Shot("state-job-failed", f"{space}jobs/reindex/")
    yield Shot("state-pod-image", f"{space}pods/{pods['search']}/")
    yield from (Shot(f"state-pod-crashing-{tab or 'overview'}", f"{sick}{tab}") for tab in ("", "logs/", "events/"))
    yield Shot("state-clone", f"/create/yaml/?namespace={NAMESPACE}&clone=Deployment/web")
    yield Shot("state-create-worker", f"/create/deployment/?namespace={NAMESPACE}&start=worker")
    yield Shot("state-policy-alarm", f"{space}deployments/api/scaling/policy/?type=alarm")
    yield Shot("state-access-of-bob", f"{space}access/?who=bob")
    yield Shot("state-secret-value", f"{space}secrets/database/value/?key=password")
    yield Shot("state-search", "/search/?q=web")
    yield Shot("state-bulk", f"{space}deployments/", tick_two)
    yield Shot("state-palette", f"{space}pods/", open_palette)
    yield Shot("state-drawer", f"{space}deployments/", open_drawer)
    for last in ("refused", "Access", "Advanced", "Confirm"):
        path = f"/create/deployment/?namespace={NAMESPACE}"
        yield Shot(f"state-wizard-{last.lower()}", path, partial(fill_wizard, until=last))


def tick_two(page: Page) -> None:
    boxes = page.locator("tbody input[type=checkbox]")
    for place in range(2):
        boxes.nth(place).check()


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("web")
    page.wait_for_timeout(600)


def open_drawer(page: Page) -> None:
    page.locator('tbody [hx-target="#drawer"]').first.click()
    page.wait_for_timeout(600)


def fill_wizard(page: Page, *, until: str) -> None:
    """The first step refused, then each step filled, up to the one that is named. A browser keeps its draft,
    also of the form that is being left."""
    address = page.url
    page.goto(urljoin(address, "/help/"))
    page.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
    page.goto(address)
    settle(page)
    page.locator("#id_name").fill("reports")
    page.locator("[name=size][value=free]").check()
    page.locator("#id_size_cores").fill("3")
    page.locator("#id_size_gib").fill("4")
    steps = page.locator(".button--primary[name=go]")
    steps.first.click()
    page.locator("#id_containers-0-image_error").wait_for()
    if until == "refused":
        return
    page.locator("#size-advice button").first.click()
    page.locator("#size-advice button").first.wait_for(state="detached")
    page.locator("#id_containers-0-image").fill(DEMO_IMAGE)
    for step in ("Access", "Advanced", "Confirm"):
        steps.first.click()
        page.wait_for_timeout(700)
        if step == "Access":
            page.locator("[name=access][value=public]").check(force=True)
            page.wait_for_timeout(500)
        if step == until:
            return


def take(stack: Stack, shots: list[Shot]) -> Iterator[str]:
    """File names of the pictures. One Chromium, and a window for each language."""
    with chromium() as browser:
        for language, looks in LOOKS.items():
            context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
            page = opened(stack, context, language)
            for shot in shots:
                yield from take_one(page, stack, shot, language, looks)
            context.close()


def take_one(page: Page, stack: Stack, shot: Shot, language: str, looks: list[tuple[str, str]]) -> Iterator[str]:
    try:
        page.set_viewport_size(WIDE)
        page.goto(stack.url + shot.path)
        settle(page)
        if shot.steps:
            shot.steps(page)
        for theme, width in looks:
            page.set_viewport_size(SIZES[width])
            page.evaluate(DRESS, theme)
            yield picture(page, f"{shot.name}.{language}.{theme}.{width}")
    except Error as error:
        print(f"no picture of {shot.name} ({language}): {str(error).splitlines()[0]}", file=sys.stderr)


def opened(stack: Stack, context: BrowserContext, language: str) -> Page:
    """A window of somebody who is signed in and reads this language."""
    context.add_cookies([{"name": "cci_language", "value": "en", "url": stack.url}])
    page = context.new_page()
    sign_in(page, stack)
    context.add_cookies([{"name": "cci_language", "value": LANGUAGES[language], "url": stack.url}])
    return page


def take_doors(stack: Stack, browser: Browser) -> list[str]:
    """What is seen without a session, and by an account that has nothing yet."""
    stack.manage("setup_account", "--account", "newcomer", "--user", "alice")
    taken: list[str] = []
    for language, looks in LOOKS.items():
        context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
        context.add_cookies([{"name": "cci_language", "value": LANGUAGES[language], "url": stack.url}])
        page = context.new_page()
        taken += take_one(page, stack, Shot("state-sign-in", "/sign-in/"), language, looks)
        taken += take_one(page, stack, Shot("state-signed-out", "/sign-in/?next=/pods/"), language, looks)
        context.add_cookies([{"name": "cci_language", "value": "en", "url": stack.url}])
        page.goto(f"{stack.url}/sign-in/")
        sign_in(page, stack, account="newcomer", user="alice")
        context.add_cookies([{"name": "cci_language", "value": LANGUAGES[language], "url": stack.url}])
        for name, path in {
            "overview": "/",
            "deployments": "/deployments/",
            "elbs": "/elbs/",
            "bills": "/bills/",
        }.items():
            taken += take_one(page, stack, Shot(f"state-empty-{name}", path), language, looks)
        context.close()
    return taken


def take_readme_picture(stack: Stack, context: BrowserContext) -> None:
    dress(context, stack, "light")
    page = context.new_page()
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{NAMESPACE}/deployments/")
    settle(page)
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=README_PICTURE)
    context.close()


def settle(page: Page) -> None:
    """Letters are there, and the live connection has said its first word or there is none."""
    page.evaluate("document.fonts.ready")
    page.wait_for_function("document.documentElement.classList.contains('has-script')")


def picture(page: Page, name: str) -> str:
    page.screenshot(path=TARGET / f"{name}.png", full_page=True)
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
