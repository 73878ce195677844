"""The console in a real browser against the running product, as somebody uses it on a first day."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page, expect

from tests import manifests
from tests.e2e.chromium import complaints, sign_in
from tests.stack import Stack

TALK = "sh -c 'i=0; while true; do echo line $i; i=$((i+1)); sleep 0.2; done'"
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
    page.goto(f"{stack.url}/namespaces/{shop}/pods/{stack.first_pod(shop)}/terminal/")
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


def test_what_is_in_a_row_is_looked_at_beside_the_list(stack: Stack, page: Page, shop: str) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{shop}/deployments/")
    row, drawer = page.locator("#deployments tbody tr", has_text="web"), page.locator("#drawer")
    row.locator('[hx-target="#drawer"]').click()
    expect(drawer.get_by_role("heading", name="web")).to_be_visible()
    expect(row).to_have_attribute("aria-selected", "true")
    widths = "(one) => [...one.querySelectorAll('.table-wrap')].map((wrap) => wrap.scrollWidth - wrap.clientWidth)"
    assert set(drawer.evaluate(widths)) == {0}, "a table is cut off"

    page.keyboard.press("Escape")

    expect(drawer).to_be_hidden()
    expect(row).to_be_visible()


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
