"""The forms and the YAML editor in a real browser, against the running product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import manifests
from tests.e2e.chromium import WIDE, complaints, sign_in
from tests.stack import Stack

SERVE = "sh -c 'echo serving $COLOUR; mkdir /w; echo ok > /w/index.html; exec httpd -f -p 8080 -h /w'"


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


def test_what_is_wrong_is_told_while_one_types_where_one_has_been(stack: Stack, page: Page, shop: str) -> None:
    heard = complaints(page)
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/deployment/?namespace={shop}")
    name = page.get_by_label("Name", exact=True)
    name.fill("Shop_1")
    name.press("Tab")
    expect(page.locator("#field-name .field__error")).to_contain_text("lower case")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#field-containers-0-image .field__error")).to_have_count(0)

    name.fill("web")
    expect(page.locator("#field-name .field__error")).to_contain_text("has a Deployment of this name already")
    name.fill("another")
    expect(page.locator("#field-name .field__error")).to_have_count(0)
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


KEPT = """(place) => Object.entries(window[place]).filter(([name]) => name.startsWith('draft ')).map(String).join()"""
SECRETS = (
    "kind: ConfigMap\n---\nkind: Secret\nstringData: {password: open-sesame}",
    '{"stringData": {"password": "open-sesame"}, "kind": "Secret"}',
    "data: open-sesame\nkind: # it is\n  !!str 'Secret'",
    'data: open-sesame\nkind: "S\\x65cret"',
    "items: [{data: open-sesame, kind: &one Secret}, {kind: *one}]",
)


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A browser of its own, signed in."""
    with browser.new_context(viewport=WIDE) as one:
        page = one.new_page()
        sign_in(page, stack)
        page.close()
        yield one


def test_a_text_with_a_secret_is_kept_in_its_tab_alone(stack: Stack, context: BrowserContext, shop: str) -> None:
    page = context.new_page()
    heard = complaints(page)
    page.goto(f"{stack.url}/create/yaml/?namespace={shop}")
    write(page, "kind: ConfigMap")
    expect(page.get_by_text("Kept in this browser.")).to_be_visible()
    for text in SECRETS:
        write(page, text)
        page.reload()
        expect(page.locator("#id_text")).to_have_value(text)
        expect(page.get_by_text("Kept until this tab is closed.")).to_be_visible()
        assert page.evaluate(KEPT, "localStorage") == ""
    write(page, "kind: Role\nrules: [{resources: [secrets], verbs: [get]}]")
    expect(page.get_by_text("Kept in this browser.")).to_be_visible()

    left = "localStorage.setItem('draft demo/admin /x/', JSON.stringify({at: Date.now(), fields: [['text', %r]]}))"
    page.evaluate(left % SECRETS[0])
    page.reload()
    expect(page.locator("html.has-script")).to_have_count(1)
    assert "open-sesame" not in page.evaluate(KEPT, "localStorage")
    assert heard == []


@pytest.mark.parametrize("what", ["Opaque", *(f"kubernetes.io/{one}" for one in ("dockerconfigjson", "tls"))])
def test_of_the_form_of_a_secret_nothing_is_kept(stack: Stack, context: BrowserContext, shop: str, what: str) -> None:
    page = context.new_page()
    page.goto(f"{stack.url}/create/secret/?namespace={shop}")
    page.locator(f"button[value='type-{what}']").click()
    expect(page.locator(f"button[value='type-{what}']")).to_have_attribute("aria-current", "true")
    fields = page.locator("#bag :is(input:not([type=hidden], [type=checkbox], [type=file]), textarea):visible").all()
    assert len(fields) >= 3
    for field in fields:
        field.fill("open-sesame")
    page.reload()
    expect(page.locator("html.has-script")).to_have_count(1)
    assert [page.evaluate(KEPT, place) for place in ("localStorage", "sessionStorage")] == ["", ""]


def write(page: Page, text: str) -> None:
    """A file that becomes the editor's text."""
    expect(page.locator(".cm-editor")).to_be_visible()
    page.locator("#id_file").set_input_files({"name": "a.yaml", "mimeType": "text/plain", "buffer": text.encode()})
    expect(page.locator("#id_text")).to_have_value(text)


def test_who_signs_out_by_the_palette_leaves_no_draft_in_any_tab(
    stack: Stack, context: BrowserContext, shop: str
) -> None:
    page, other = context.new_page(), context.new_page()
    heard = complaints(page)
    for at, one in enumerate((page, other)):
        one.goto(f"{stack.url}/create/{('job', 'cronjob')[at]}/?namespace={shop}")
        one.get_by_label("Name", exact=True).fill("nightly-sum")
        expect(one.get_by_text("Kept in this browser.")).to_be_visible()
    page.keyboard.press("ControlOrMeta+k")
    page.keyboard.type("Sign out")
    page.locator("#palette-results").get_by_role("option", name="Sign out").click()
    page.wait_for_url(lambda url: "/sign-in/" in url)
    expect(other.locator(".form__kept")).to_be_hidden()
    other.get_by_label("Name", exact=True).fill("typed-after")
    other.reload()
    other.wait_for_url(lambda url: "/sign-in/" in url)
    for one in (page, other):
        assert [one.evaluate(KEPT, place) for place in ("localStorage", "sessionStorage")] == ["", ""]
    assert heard == []


def test_what_was_typed_a_moment_before_signing_out_is_not_written_after_it(
    stack: Stack, context: BrowserContext, shop: str
) -> None:
    page = context.new_page()
    page.goto(f"{stack.url}/create/job/?namespace={shop}")
    page.get_by_label("Name", exact=True).fill("nightly-sum")
    page.evaluate(
        """() => {
        document.querySelector('#id_name').dispatchEvent(new Event('input', { bubbles: true }));
        document.querySelector('form[action$="/sign-out/"]').requestSubmit();
    }"""
    )
    page.wait_for_url(lambda url: "/sign-in/" in url)
    assert [page.evaluate(KEPT, place) for place in ("localStorage", "sessionStorage")] == ["", ""]


def test_a_draft_outlives_a_submit_that_failed_and_goes_with_one_that_did_not(
    stack: Stack, context: BrowserContext, shop: str
) -> None:
    """No network, a form that is too old, an expired session; then it is there again and is sent."""
    page = context.new_page()
    create = page.get_by_role("button", name="Create Job")

    begin(page, f"{stack.url}/create/job/?namespace={shop}", name="patient", command="echo done")
    expect(page.get_by_text("Kept in this browser.")).to_be_visible()
    page.locator(".steps").get_by_role("button", name="Confirm").click()
    context.set_offline(True)
    with page.expect_event("requestfailed"):
        create.click()
    context.set_offline(False)
    page.get_by_role("link", name="Overview").first.click()
    expect(page.locator("#create")).to_have_count(0)
    assert "patient" in page.evaluate(KEPT, "localStorage")

    for cookie in ("csrftoken", "sessionid"):
        page.goto(f"{stack.url}/create/job/?namespace={shop}")
        expect(create).to_be_visible()
        context.clear_cookies(name=cookie)
        create.click()
        expect(page.locator("#create")).to_have_count(0)
        assert "patient" in page.evaluate(KEPT, "localStorage"), cookie
    sign_in(page, stack)
    page.goto(f"{stack.url}/create/job/?namespace={shop}")
    expect(create).to_be_visible()
    create.click()
    expect(page.locator("#create")).to_have_count(0)
    assert stack.get("job", "patient", "-n", shop)["metadata"]["name"] == "patient"
    assert [page.evaluate(KEPT, place) for place in ("localStorage", "sessionStorage")] == ["", ""]


def test_a_draft_is_called_kept_once_it_is_and_an_older_one_does_not_come_back(
    stack: Stack, context: BrowserContext, shop: str
) -> None:
    page = context.new_page()
    heard = complaints(page)
    page.goto(f"{stack.url}/create/yaml/?namespace={shop}")
    kept = page.locator(".form__kept")
    write(page, "kind: ConfigMap")
    expect(kept).to_contain_text("Kept in this browser.")
    page.evaluate(
        """() => {
        for (let size = 2 ** 22, at = 0; size >= 1; at += 1) {
            try { localStorage.setItem(`full ${at}`, 'x'.repeat(size)); } catch { size = Math.floor(size / 2); }
        }
    }"""
    )
    write(page, "kind: ConfigMap\ndata: {a: b}")
    expect(kept).to_contain_text("Kept until this tab is closed.")
    assert page.evaluate(KEPT, "localStorage") == ""
    page.evaluate("localStorage.clear()")
    write(page, "kind: Pod")
    expect(kept).to_contain_text("Kept in this browser.")

    page.evaluate(
        """() => {
        const text = document.querySelector('#id_text');
        text.value = '# '.repeat(500_001);
        text.dispatchEvent(new Event('input', { bubbles: true }));
    }"""
    )
    expect(kept).to_be_hidden()
    assert [page.evaluate(KEPT, place) for place in ("localStorage", "sessionStorage")] == ["", ""]
    assert heard == []
