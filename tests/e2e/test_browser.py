"""The console in a real browser against the running product, as somebody uses it on a first day."""

from __future__ import annotations

import re
import secrets
import statistics
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import manifests
from tests.e2e.chromium import NARROW, WIDE, chromium, complaints, dress, sign_in
from tests.stack import ROOT, Stack

TALK = "sh -c 'i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done'"
SERVE = "sh -c 'echo serving $COLOUR; mkdir /w; echo ok > /w/index.html; exec httpd -f -p 8080 -h /w'"
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
REMEMBER = """() => {
    window.sameDocument = true;
    window.seen = new Set();
    const note = () => {
        for (const text of document.querySelectorAll('#side .number')) window.seen.add(text.textContent.trim());
        for (const word of document.querySelectorAll('#pods .state__word')) window.seen.add(word.textContent.trim());
    };
    new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
}"""
"""Proves that the document is never loaded anew, and keeps what stood on it for a moment."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A person's own window, 1440 wide."""
    context = browser.new_context(viewport=WIDE)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[str]:
    """A namespace with a Deployment `web` that runs, a Job that waits, a CronJob whose time is far, a ConfigMap and a
    Secret; its name."""
    name = f"shop-{secrets.token_hex(3)}"
    stack.kubectl("create", "namespace", name)
    stack.apply(manifests.deployment(replicas=1) | {"metadata": {"name": "web", "namespace": name}})
    stack.kubectl("-n", name, "create", "configmap", "settings", "--from-literal=colour=blue")
    stack.kubectl("-n", name, "create", "secret", "generic", "login", "--from-literal=password=open-sesame")
    stack.kubectl("-n", name, "create", "role", "reader", "--verb=get,list", "--resource=pods")
    stack.apply(
        manifests.job("sum", suspend=True) | {"metadata": {"name": "sum", "namespace": name}},
        manifests.cronjob("tick", schedule="@yearly") | {"metadata": {"name": "tick", "namespace": name}},
    )
    stack.kubectl("-n", name, "rollout", "status", "deployment/web", "--timeout=60s")
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false", check=False)


def pod_of(stack: Stack, namespace: str) -> str:
    name: str = stack.get("pods", "-n", namespace)["items"][0]["metadata"]["name"]
    return name


def lively_pages(stack: Stack, namespace: str) -> list[str]:
    """What is made by scripts of what the running product sends. All other pages, and these without it, are walked in
    tests/console/test_accessible.py."""
    pod = f"/namespaces/{namespace}/pods/{pod_of(stack, namespace)}/"
    deployment = f"/namespaces/{namespace}/deployments/web/"
    return [
        *(pod + tab for tab in ("logs/", "terminal/", "monitoring/")),
        *(deployment + tab for tab in ("logs/", "map/")),
        f"/namespaces/{namespace}/edit/Deployment/web/",
    ]


def test_from_signing_in_to_a_workload_that_runs_costs_talks_and_goes(stack: Stack, page: Page) -> None:
    heard = complaints(page)
    stack.manage("setup_account", "--account", "first-day", "--user", "alice")
    sign_in(page, stack, account="first-day", user="alice")
    page.evaluate(REMEMBER)

    request_a_namespace(page)
    create_from_image(page)
    watch_it_start(page)
    watch_it_cost(page)
    watch_it_talk(page)
    read_its_charts(page)
    delete_it(page)
    read_what_it_said(page, stack)

    assert page.evaluate("window.sameDocument")
    assert {"0/2", "2/2", "Running"} <= set(page.evaluate("[...window.seen]"))
    label = "label=cci.io/namespace=first-day"
    assert stack.containers(label, "label=cci.io/pod-uid") == []
    assert heard == []


def request_a_namespace(page: Page) -> None:
    expect(page.get_by_role("heading", name="Request your first namespace")).to_be_visible()
    page.get_by_role("link", name="Request a namespace", exact=True).last.click()
    page.get_by_label("Name", exact=True).fill("first-day")
    page.get_by_label("Subnet (CIDR)").fill("10.252.96.0/22")
    expect(page.locator("#free")).to_have_text("1018 addresses for pods.")
    page.get_by_role("button", name="Request namespace").click()
    expect(page.get_by_role("heading", name="first-day", exact=True)).to_be_visible()
    expect(page.locator("#head")).to_contain_text("Normal")


def create_from_image(page: Page) -> None:
    """Four steps; in the first one a value is refused at its field."""
    page.get_by_role("link", name="Create from Image").first.click()
    page.get_by_label("Name", exact=True).fill("talker")
    page.get_by_label("Image", exact=True).fill(manifests.IMAGE)
    expect(page.locator("#summary")).to_contain_text(manifests.IMAGE)
    page.get_by_label("CPU", exact=False).last.fill("0.3")
    page.get_by_text("Start command").click()
    page.get_by_label("Command optional").fill(TALK)
    page.get_by_role("button", name="Next: Access").click()

    refused = page.locator("#id_containers-0-cpu")
    expect(page.locator("#id_containers-0-cpu_error")).to_contain_text("multiple of 0.25")
    expect(refused).to_be_focused()
    expect(refused).to_have_value("0.3")
    refused.fill("")
    expect(page.locator(".price")).to_have_text("¥0.2322")

    page.keyboard.press("Enter")
    page.get_by_role("button", name="Next: Advanced").click()
    page.get_by_label("Termination grace period").fill("1")
    page.get_by_role("button", name="Next: Confirm").click()
    expect(page.get_by_label("YAML")).to_contain_text("terminationGracePeriodSeconds: 1")
    page.get_by_role("button", name="Create Deployment").dblclick()
    expect(page).to_have_url(re.compile("/namespaces/first-day/deployments/talker/$"))


def watch_it_start(page: Page) -> None:
    expect(page.locator("#side .number").first).to_have_text("2/2", timeout=30_000)
    expect(page.locator("#pods .state__word")).to_have_text(["Running", "Running"])
    expect(page.locator("#events")).to_contain_text("talker")
    page.get_by_role("link", name="All events").click()
    for words in ("Scaled up replica set", "Created pod", "Successfully assigned", "Started container container-0"):
        expect(page.locator("#events")).to_contain_text(words)
    page.get_by_role("navigation", name="Of this deployment").get_by_role("link", name="Overview").click()


def watch_it_cost(page: Page) -> None:
    """Two readings that differ, without anybody asking the server."""
    cost = page.locator("#side [data-controller=tick]")
    readings = {cost.inner_text()}
    for _ in range(2):
        expect(cost).not_to_have_text(sorted(readings)[-1], timeout=10_000)
        readings.add(cost.inner_text())
    assert len(readings) == 3


def watch_it_talk(page: Page) -> None:
    page.locator("#pods .table__name a").first.click()
    page.get_by_role("navigation", name="Of this pod").get_by_role("link", name="Logs").click()
    view = page.get_by_role("log")
    expect(view).to_contain_text("line 0")
    lines = int(page.locator("[data-log-target=count]").inner_text())
    expect(view).to_contain_text(f"line {lines + 10}")


def read_its_charts(page: Page) -> None:
    page.get_by_role("navigation", name="Of this pod").get_by_role("link", name="Monitoring").click()
    plot = page.get_by_role("slider", name="CPU, cores", exact=False)
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"UTC: "), timeout=30_000)
    plot.focus()
    page.keyboard.press("Home")
    expect(plot).to_have_attribute("aria-valuetext", re.compile("not measured"))
    expect(page.locator("[data-curve-target=reading]").first).to_contain_text("not measured")
    page.get_by_role("link", name="24 hours").click()
    expect(page.locator("#curves")).to_contain_text(re.compile(r"UTC: \S+, at most"))


def delete_it(page: Page) -> None:
    page.get_by_role("link", name="Deployments", exact=False).first.click()
    row = page.locator("tr", has_text="talker")
    row.get_by_role("link", name="talker", exact=True).click()
    page.get_by_role("link", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete deployment talker?")
    expect(dialog).to_contain_text("2 pods")
    expect(dialog.get_by_role("button", name="Delete deployment")).to_be_disabled()
    dialog.get_by_label("Type talker to confirm").fill("talker")
    dialog.get_by_role("button", name="Delete deployment").click()
    expect(page).to_have_url(re.compile("/deployments/$"))
    expect(row).to_have_count(0, timeout=30_000)


def read_what_it_said(page: Page, stack: Stack) -> None:
    """After it is gone."""
    logs = stack.data / "logs" / "pods"

    def kept() -> bool:
        return len(list(logs.glob("*/kept/first-day/*/*/*/*.gz"))) == 2 and not list(logs.glob("*/incoming/*"))

    stack.wait(kept, what="the logs of both pods to be kept")
    page.get_by_role("link", name="Pods").first.click()
    page.get_by_role("link", name="Ended pods").click()
    expect(page.locator("#ended tbody tr")).to_have_count(2)
    page.locator("#ended .table__name a").first.click()
    expect(page.get_by_role("log")).to_contain_text("line 0")
    expect(page.get_by_role("log")).to_contain_text("End of the log.")


def test_a_shell_is_opened_in_the_page_and_started_again(stack: Stack, page: Page, shop: str) -> None:
    heard = complaints(page)
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{shop}/pods/{pod_of(stack, shop)}/terminal/")
    screen = page.locator(".terminals__screen:not([hidden]) .xterm-rows")
    expect(screen).to_contain_text("#")
    page.keyboard.type("echo $((6 * 7))-$(stty size | wc -w)\n")
    expect(screen).to_contain_text("42-2")
    page.keyboard.type("exit 3\n")
    expect(screen).to_contain_text("ended with code 3")
    page.keyboard.press("Enter")
    page.keyboard.type("echo back-$((1 + 1))\n")
    expect(screen).to_contain_text("back-2")
    page.get_by_role("button", name="New terminal").click()
    expect(page.get_by_role("tab")).to_have_count(2)
    page.get_by_role("button", name="Close terminal").click()
    expect(page.get_by_role("tab")).to_have_count(1)
    assert heard == []


def test_a_cronjob_runs_now_and_a_setting_is_changed(stack: Stack, page: Page, shop: str) -> None:
    heard = complaints(page)
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{shop}/cronjobs/tick/")
    page.get_by_role("link", name="Run now").click()
    page.get_by_role("dialog", name="Run tick now?").get_by_role("button", name="Run now").click()
    expect(page).to_have_url(re.compile(f"/namespaces/{shop}/jobs/tick-manual-"))
    expect(page.locator("#head")).to_contain_text("Complete", timeout=60_000)
    expect(page.locator("#progress")).to_contain_text("1/1 succeeded")

    page.goto(f"{stack.url}/namespaces/{shop}/configmaps/settings/")
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Value", exact=True).fill("green")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator("#values")).to_contain_text("green")
    assert stack.get("configmap", "settings", "-n", shop)["data"] == {"colour": "green"}
    assert heard == []


def test_an_elb_becomes_active_in_the_page_and_its_port_is_known_to_be_taken(
    stack: Stack, page: Page, shop: str
) -> None:
    heard, name = complaints(page), f"elb-{secrets.token_hex(3)}"
    sign_in(page, stack)
    stack.apply(manifests.elb(name))
    page.goto(f"{stack.url}/elbs/{name}/")
    expect(page.locator("#head")).to_contain_text("Unused")
    metadata = {"name": name, "namespace": shop, "annotations": {"elb.cci.io/name": name}}
    stack.apply(manifests.service(port=5432, type="LoadBalancer") | {"metadata": metadata})
    expect(page.locator("#head")).to_contain_text("Active", timeout=20_000)
    expect(page.locator("#listeners")).to_contain_text("5432")

    page.goto(f"{stack.url}/namespaces/{shop}/deployments/web/access/add/")
    page.locator("#id_access-elb").select_option(stack.get("elb", name)["metadata"]["uid"])
    page.locator("input[name='access-layer'][value='4']").check()
    page.locator("#id_access-port-0-port").fill("5432")
    expect(page.locator("#outlook")).to_contain_text(f"5432/TCP of ELB {name} belongs to Service {shop}/{name}")
    expect(page.locator("#summary")).to_contain_text("outside, 5432/TCP on an ELB of the account")
    page.locator("#id_access-elb_port").fill("5433")
    expect(page.locator("#outlook")).to_contain_text(":5433")
    expect(page.locator("#outlook")).not_to_contain_text("repeated")
    stack.kubectl("-n", shop, "delete", "service", name)
    assert heard == []


def test_a_secret_is_read_one_value_at_a_time(stack: Stack, page: Page, shop: str) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{shop}/secrets/login/")
    assert "open-sesame" not in page.content()
    page.get_by_role("link", name="Show password").click()
    expect(page.get_by_role("dialog", name="password")).to_contain_text("open-sesame")


def test_without_a_mouse_one_finds_chooses_opens_and_leaves(stack: Stack, page: Page, shop: str) -> None:
    """Every press is a key's: sections, the filter, rows, the palette, a dialog, and the way back."""
    heard, keys = complaints(page), page.keyboard
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{shop}/deployments/web/")
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keys.press("g")
    keys.press("d")
    expect(page).to_have_url(re.compile(f"/namespaces/{shop}/deployments/$"))
    keys.press("/")
    expect(page.locator("#filter-name")).to_be_focused()
    keys.type("web")
    expect(page).to_have_url(re.compile("q=web"))
    page.locator("#filter-name").blur()
    keys.press("j")
    expect(page.get_by_role("link", name="web", exact=True)).to_be_focused()
    keys.press("x")
    expect(page.locator("#picks")).to_contain_text("1 chosen")
    keys.press("Escape")
    keys.press("Enter")
    expect(page).to_have_url(re.compile("/deployments/web/$"))
    keys.press("Control+k")
    keys.type("scale")
    expect(page.get_by_role("option").first).to_contain_text("Scale")
    keys.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("#id_replicas")).to_be_focused()
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    keys.press("?")
    expect(page).to_have_url(re.compile("/help/$"))
    page.go_back()
    expect(page.get_by_role("heading", name="web", exact=True)).to_be_visible()
    assert heard == []


def test_a_wrong_password_is_said_in_a_sentence(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.url}/sign-in/")
    page.get_by_label("Account").fill("demo")
    page.get_by_label("User").fill(f"nobody-{secrets.token_hex(3)}")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"\w+ \w+ \w+"))
    expect(page.get_by_label("Account")).to_have_value("demo")


def test_a_deep_link_leads_to_the_sign_in_page_and_back(stack: Stack, page: Page, shop: str) -> None:
    target = f"{stack.url}/namespaces/{shop}/deployments/web/events/"
    page.goto(target)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, stack)
    expect(page).to_have_url(target)


def test_another_account_finds_nothing_there(stack: Stack, page: Page, shop: str) -> None:
    stack.manage("setup_account", "--account", "other", "--user", "charlie")
    sign_in(page, stack, account="other", user="charlie")
    response = page.goto(f"{stack.url}/namespaces/{shop}/deployments/web/")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", name="There is no such thing here")).to_be_visible()


def test_a_page_survives_the_death_of_the_web_process(stack: Stack, page: Page, shop: str) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{shop}/deployments/")
    expect(page.locator("tr", has_text="web")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    offline = page.locator("#offline")

    def killed_and_told() -> bool:
        """Its successors too, until the page has noticed: they come back within a second."""
        with suppress(ProcessLookupError, FileNotFoundError, ValueError):
            stack.kill("web")
        return offline.is_visible()

    stack.wait(killed_and_told, what="the page to say that it is cut off")
    expect(offline).to_be_hidden(timeout=60_000)
    stack.wait(lambda: stack.kubectl("get", "--raw", "/readyz", check=False) == "ok", what="the API")

    stack.apply(manifests.deployment("late", replicas=0) | {"metadata": {"name": "late", "namespace": shop}})
    expect(page.locator("tr", has_text="late")).to_be_visible(timeout=20_000)
    assert page.evaluate("window.sameDocument")


def test_what_is_confirmed_can_be_applied_with_kubectl(stack: Stack, page: Page, shop: str, tmp_path: Path) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/deployment/?namespace={shop}")
    page.get_by_label("Name", exact=True).fill("twin")
    page.get_by_label("Image", exact=True).fill(manifests.IMAGE)
    page.get_by_role("button", name="Confirm").click()
    file = tmp_path / "twin.yaml"
    file.write_text(page.get_by_label("YAML").inner_text())
    assert "deployment.apps/twin created" in stack.kubectl("apply", "--dry-run=server", "-f", str(file))


def test_workloads_are_created_by_their_forms(stack: Stack, page: Page, shop: str) -> None:
    """A Deployment that takes its environment from a ConfigMap and is asked by HTTP; a Job; a CronJob."""
    heard = complaints(page)
    sign_in(page, stack)
    begin(page, f"{stack.url}/create/deployment/?namespace={shop}", name="blue", command=SERVE)
    page.locator("summary", has_text="Environment").click()
    page.get_by_role("button", name="Add a variable").click()
    expect(page.locator("#id_containers-0-env-0-name")).to_be_focused(timeout=30_000)
    page.keyboard.type("COLOUR")
    page.get_by_label("Is", exact=True).select_option("configMap/settings/colour")
    page.locator("summary", has_text="Health checks").click()
    page.locator("#id_containers-0-readiness-way").select_option("http")
    page.locator("#id_containers-0-readiness-port").fill("8080")
    expect(page.locator("#summary")).to_contain_text("readinessProbe")
    page.reload()
    expect(page.locator("#id_containers-0-readiness-port")).to_have_value("8080")
    finish(page, "Create Deployment")
    expect(page.locator("#side .number").first).to_have_text("2/2", timeout=60_000)
    colour = stack.get("configmap", "settings", "-n", shop)["data"]["colour"]
    assert f"serving {colour}" in stack.kubectl("-n", shop, "logs", "deployment/blue")

    begin(page, f"{stack.url}/create/job/?namespace={shop}", name="adder", command="echo done")
    finish(page, "Create Job")
    stack.kubectl("-n", shop, "wait", "--for=condition=complete", "job/adder", "--timeout=60s")

    begin(page, f"{stack.url}/create/cronjob/?namespace={shop}", name="nightly", command="echo done")
    page.get_by_role("button", name="Next: Schedule").click()
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.locator("#runs")).to_contain_text("03:00 Europe/Berlin")
    finish(page, "Create CronJob")
    assert stack.get("cronjob", "nightly", "-n", shop)["spec"]["timeZone"] == "Europe/Berlin"
    assert heard == []


def begin(page: Page, address: str, *, name: str, command: str) -> None:
    """The first step of a form, filled."""
    page.goto(address)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Image", exact=True).fill(manifests.IMAGE)
    page.locator("summary", has_text="Start command").click()
    page.get_by_label("Command optional").fill(command)


def finish(page: Page, button: str) -> None:
    """Over the step before the last, and the button that creates."""
    page.locator(".steps").get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name=button).click()
    expect(page.locator("#create")).to_have_count(0)


def test_rows_are_added_and_removed_where_one_works(stack: Stack, page: Page, shop: str) -> None:
    """Focus and scroll position stay; what was typed stays; nothing crashes."""
    heard = complaints(page)
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/deployment/?namespace={shop}")
    page.get_by_label("Image", exact=True).fill(manifests.IMAGE)
    page.get_by_role("button", name="Add another container").click()
    expect(page.locator("#id_containers-1-image")).to_be_focused()
    page.locator("#container-1").get_by_text("Environment").click()
    page.locator("#container-1").get_by_role("button", name="Add a variable").click()
    expect(page.locator("#id_containers-1-env-0-name")).to_be_focused()
    page.keyboard.type("COLOUR")
    page.locator("#container-0").get_by_role("button", name="Remove").click()
    expect(page.locator("#container-1")).to_have_count(0)
    expect(page.locator("#id_containers-0-env-0-name")).to_have_value("COLOUR")
    page.get_by_role("link", name="Create from YAML").click()
    expect(page.locator("#yaml-text")).to_be_focused()
    assert heard == []


def test_the_price_changes_while_typing_and_the_cursor_stays(stack: Stack, page: Page, shop: str) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/deployment/?namespace={shop}")
    pods = page.get_by_label("Number of pods")
    pods.fill("3")
    expect(page.locator(".price")).to_have_text("¥0.3483")
    expect(pods).to_be_focused()
    page.locator("[name=size][value=free]").check()
    page.locator("#id_size_cores").fill("3")
    page.locator("#id_size_gib").fill("4")
    expect(page.locator("#size-advice")).to_contain_text("2 to 8 GiB of memory per core")
    page.get_by_role("button", name="3 cores · 6 GiB").click()
    expect(page.locator("#id_size_gib")).to_have_value("6")
    expect(page.locator(".price")).to_have_text("¥2.8836")


def test_yaml_is_completed_checked_and_a_file_becomes_the_text(
    stack: Stack, page: Page, shop: str, tmp_path: Path
) -> None:
    heard = complaints(page)
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/yaml/?namespace={shop}")
    text, writer, outline = page.locator("#id_text"), page.locator("#yaml-text"), page.locator("#outline")
    expect(writer).to_be_focused()
    page.keyboard.type("kind: ConfigM")
    page.locator(".cm-tooltip-autocomplete").get_by_text("ConfigMap").click()
    page.keyboard.press("Enter")
    page.keyboard.type("dat")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("binaryData")
    page.keyboard.press("Escape")
    expect(text).to_have_value("kind: ConfigMap\ndat")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(writer).not_to_be_focused()

    file = tmp_path / "pod.yaml"
    file.write_text("apiVersion: v1\nkind: Pod\n  metadata: [\n---\nkind: Pod\n")
    page.locator("#id_file").set_input_files(file)
    expect(text).to_have_value(file.read_text())
    expect(outline.locator("li")).to_have_count(2)
    outline.get_by_role("button", name="line 3").click()
    expect(writer).to_be_focused()
    expect(page.locator(".cm-lint-marker-error")).to_have_count(2)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#id_text_error")).to_contain_text("line 3, column")
    expect(page.locator(".cm-editor")).to_have_count(1)
    assert heard == []


def test_what_was_typed_survives_a_reload_and_a_closed_tab_but_not_signing_out(
    stack: Stack, browser: Browser, shop: str
) -> None:
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    heard = complaints(page)
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/yaml/?namespace={shop}")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.type("kind: ConfigMap")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator(".cm-line")).to_have_text("kind: ConfigMap")
    page.goto(f"{stack.url}/create/job/?namespace={shop}")
    page.get_by_label("Name", exact=True).fill("nightly-sum")
    page.close()

    page = context.new_page()
    heard_later = complaints(page)
    page.goto(f"{stack.url}/create/job/?namespace={shop}")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    page.get_by_role("button", name="Go on with it").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("nightly-sum")
    page.goto(f"{stack.url}/create/yaml/?namespace={shop}")
    page.get_by_role("button", name="Throw it away").click()
    page.locator(".menu__button-text", has_text="admin").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: "/sign-in/" in url)
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('draft'))") == []
    context.close()
    assert heard + heard_later == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_that_live_can_be_used_by_everybody(stack: Stack, browser: Browser, shop: str, theme: str) -> None:
    """axe finds no violation of WCAG 2 A and AA."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    dress(context, stack, theme)
    page = context.new_page()
    sign_in(page, stack)
    found = {}
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
