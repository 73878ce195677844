"""The forms that create, by plain posts as a browser without script sends them: nothing typed is lost, every refusal is
said at its field, and what is confirmed is exactly what is made."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
import yaml
from django.http import HttpResponse
from django.test import Client as Browser

from billing import client as billing
from console.forms import starts
from console.forms.deployments import DeploymentDraft
from console.forms.jobs import JobDraft
from tests import manifests
from tests.console import scenes

NAMESPACE = {"name": "fresh", "flavor": "general-computing", "go": "submit"}
WEB = {
    "step": "basic",
    "name": "api",
    "namespace": "shop",
    "replicas": "2",
    "size": "0.50_1.0",
    "containers-0-name": "app",
    "containers-0-image": manifests.IMAGE,
    "containers-0-env-0-name": "COLOUR",
    "containers-0-env-0-value": "green",
}
PAGE = "/create/deployment/"


def said_at(response: HttpResponse, field: str) -> str:
    """The sentences under one field."""
    found = re.search(
        rf'<ul class="field__error" id="id_{field}_error">(.*?)</ul>', response.content.decode(), re.DOTALL
    )
    return unescape(re.sub("<[^>]+>", " ", found[1])).strip() if found else ""


def value_of(response: HttpResponse, name: str) -> str:
    found = re.search(rf'<input id="id_{name}"[^>]*? value="([^"]*)"', response.content.decode())
    assert found, f"there is no field {name}"
    return unescape(found[1])


def step_of(response: HttpResponse) -> str:
    found = re.search(r'name="step" value="(\w+)"', response.content.decode())
    return found[1] if found else ""


def press(browser: Browser, go: str, **fields: str) -> Any:
    return browser.post(PAGE, WEB | {name.replace("__", "-"): value for name, value in fields.items()} | {"go": go})


# A namespace


def test_requesting_a_namespace_makes_it_and_its_network(browser: Browser) -> None:
    response = browser.post("/create/namespace/", NAMESPACE | {"cidr": "192.168.7.0/24", "dns": "8.8.8.8"})

    assert response.headers["Location"] == "/namespaces/fresh/"
    (network,) = scenes.person().list("Network", "fresh").items
    assert network["spec"]["cidr"] == "192.168.7.0/24"
    annotations = scenes.person().get("Namespace", "fresh")["metadata"]["annotations"]
    assert annotations["network.cci.io/ready-before-pod-run"] == "vpc-network-ready"


@pytest.mark.parametrize(
    ("cidr", "sentence"),
    [
        ("10.247.9.0/24", "belongs to Services"),
        ("10.240.0.0/12", "belongs to Services"),
        ("8.8.8.0/24", "private range"),
        ("192.168.0.0/30", "from 16 to 28"),
        ("192.168.0.7/24", "did you mean 192.168.0.0/24?"),
        ("fe80::/64", "IPv4"),
        ("shop", "IPv4"),
    ],
)
def test_a_refused_subnet_is_said_at_its_field_and_nothing_is_made(browser: Browser, cidr: str, sentence: str) -> None:
    response = browser.post("/create/namespace/", NAMESPACE | {"cidr": cidr})

    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page[page.index('id="free"') : page.index('id="field-dns"')]
    assert value_of(response, "cidr") == cidr
    assert scenes.person().count("Namespace") == 0


def test_all_that_is_wrong_is_said_at_once(browser: Browser) -> None:
    wrong = {"name": "Shop_", "cidr": "10.247.0.0/24", "dns": "one", "warm_pool_size": "many", "recycle_hours": "0"}
    response = browser.post("/create/namespace/", NAMESPACE | wrong)

    assert "lower case" in said_at(response, "name")
    assert "name servers" not in said_at(response, "dns")
    assert "IPv4 address of a DNS server" in said_at(response, "dns")
    assert "whole number" in said_at(response, "warm_pool_size")
    assert "from 1 to 8760" in said_at(response, "recycle_hours")
    assert value_of(response, "warm_pool_size") == "many"


def test_the_number_of_addresses_is_told_while_typing(browser: Browser) -> None:
    look = browser.post("/create/namespace/", {"cidr": "192.168.0.0/20", "go": "look"})
    assert look.status_code == 200
    assert b"4090 addresses for pods." in look.content


def test_a_name_that_is_taken_is_said_at_the_name(shop: None, browser: Browser) -> None:
    assert "already" in said_at(browser.post("/create/namespace/", NAMESPACE | {"name": "shop"}), "name")


def test_a_full_account_is_told_before_and_after(shop: None, browser: Browser, settings: Any) -> None:
    settings.NAMESPACE_QUOTA = 1
    assert b"You have 1 of 1 namespace." in browser.get("/create/namespace/").content

    response = browser.post("/create/namespace/", NAMESPACE)
    assert response.status_code == 422
    assert b"has 1 of 1 namespaces" in response.content
    assert scenes.person().count("Namespace") == 1


def test_a_namespace_whose_network_is_refused_is_taken_back(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rules are asked before; this is the network that is refused all the same."""
    from workloads.client import Client
    from workloads.meta.errors import Refused

    create = Client.create

    def refusing(self: Client, kind: str, *words: Any, **options: Any) -> Any:
        if kind == "Network":
            raise Refused("networks are not made today")
        return create(self, kind, *words, **options)

    monkeypatch.setattr(Client, "create", refusing)
    response = browser.post("/create/namespace/", NAMESPACE)

    assert b"networks are not made today" in response.content
    assert all("deletionTimestamp" in one["metadata"] for one in scenes.person().list("Namespace").items)


# A Deployment


def test_without_a_namespace_one_is_asked_for_first(browser: Browser) -> None:
    assert browser.get(PAGE).headers["Location"] == "/create/namespace/"


def test_four_steps_and_a_deployment(shop: None, browser: Browser) -> None:
    assert step_of(press(browser, "access")) == "access"
    assert step_of(press(browser, "advanced", step="access")) == "advanced"
    assert step_of(press(browser, "confirm", step="advanced")) == "confirm"
    done = press(browser, "submit", step="confirm")

    assert done.headers["Location"] == "/namespaces/shop/deployments/api/"
    assert scenes.person().get("Deployment", "api", "shop")["spec"]["replicas"] == 2


def test_a_deployment_that_sleeps_is_one_that_is_reached(shop: None, browser: Browser) -> None:
    alone = press(browser, "confirm", step="advanced", sleep_after="10m")
    assert b"Nothing could wake it: choose internal or public access" in alone.content
    public = {"access": "public", "access-layer": "7", "access-port-0-port": "80", "sleep_after": "10m"}
    press(browser, "submit", step="confirm", **public)
    annotations = scenes.person().get("Deployment", "api", "shop")["metadata"]["annotations"]
    assert annotations["autoscaling.cci.io/scale-to-zero"] == "10m"


def test_what_is_confirmed_is_exactly_what_is_made(shop: None, browser: Browser) -> None:
    page = press(browser, "confirm", step="advanced").content.decode()
    shown = re.search(r'<pre class="code__text"[^>]*aria-label="YAML">(.*?)</pre>', page, re.DOTALL)
    assert shown
    manifest = yaml.safe_load(unescape(shown[1]))
    scenes.person().create("Deployment", manifest | {"metadata": manifest["metadata"] | {"name": "twin"}}, "shop")
    press(browser, "submit", step="confirm")

    made, twin = (scenes.person().get("Deployment", name, "shop") for name in ("api", "twin"))
    assert made["spec"] == twin["spec"]


def test_going_back_and_forth_keeps_every_field(shop: None, browser: Browser) -> None:
    fields = {"description": "front", "max_surge": "3", "grace_seconds": "7", "containers__0__command": "sh -c 'a b'"}
    for go, step in (("advanced", "basic"), ("basic", "advanced"), ("confirm", "basic"), ("access", "confirm")):
        response = press(browser, go, step=step, **fields)
        for name, value in (WEB | {name.replace("__", "-"): one for name, one in fields.items()}).items():
            if name not in ("step", "namespace", "size"):
                assert value_of(response, name) == value
        assert re.search('value="0.50_1.0" checked', response.content.decode())


FULL = WEB | {
    "containers-0-from-0-source": "secret/database",
    "containers-0-env-1-name": "MODE",
    "containers-0-env-1-source": "configMap/settings/mode",
    "containers-0-readiness-way": "http",
    "containers-0-readiness-port": "8080",
    "containers-0-readiness-path": "/ok",
    "containers-0-pre-stop-way": "sleep",
    "containers-0-pre-stop-seconds": "4",
    "containers-0-mount-0-what": "configMap/settings",
    "containers-0-mount-0-path": "/etc/settings",
    "containers-0-mount-0-read_only": "on",
    "pull-secret-team": "on",
}


def settings_and_secrets() -> None:
    client = scenes.person()
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"mode": "fast"}}
    client.create("ConfigMap", data, "shop")
    for name, kind, values in (
        ("database", "Opaque", {"password": "hunter2"}),
        ("team", "kubernetes.io/dockerconfigjson", {".dockerconfigjson": '{"auths": {}}'}),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": values}
        client.create("Secret", secret, "shop")


def chosen_in(response: HttpResponse, name: str) -> str:
    """The chosen option of a list."""
    page = response.content.decode()
    start = page.index(f'<select id="id_{name}"')
    found = re.search('<option value="([^"]*)" selected', page[start : page.index("</select>", start)])
    return unescape(found[1]) if found else ""


def test_a_container_with_everything_is_made_as_it_was_chosen(shop: None, browser: Browser) -> None:
    settings_and_secrets()
    assert browser.post(PAGE, FULL | {"step": "confirm", "go": "submit"}).status_code == 302

    spec = scenes.person().get("Deployment", "api", "shop")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "database"}}]
    assert container["env"][1]["valueFrom"] == {"configMapKeyRef": {"name": "settings", "key": "mode"}}
    assert container["readinessProbe"]["httpGet"] == {"path": "/ok", "port": 8080, "scheme": "HTTP"}
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 4}}}
    assert container["volumeMounts"] == [{"name": "volume-0", "mountPath": "/etc/settings", "readOnly": True}]
    assert spec["imagePullSecrets"] == [{"name": "team"}]


def test_what_was_chosen_stands_on_every_step_and_is_told_before_confirming(shop: None, browser: Browser) -> None:
    settings_and_secrets()
    for go, step in (("advanced", "basic"), ("confirm", "advanced"), ("basic", "confirm"), ("restore", "confirm")):
        response = browser.post(PAGE, FULL | {"step": step, "go": go})
        assert response.status_code == 200
        for name in ("containers-0-env-1-source", "containers-0-from-0-source", "containers-0-readiness-way"):
            assert chosen_in(response, name) == FULL[name]
        assert value_of(response, "containers-0-mount-0-path") == "/etc/settings"
        assert 'name="pull-secret-team" aria-label="team" checked' in response.content.decode()
    page = unescape(browser.post(PAGE, FULL | {"step": "advanced", "go": "confirm"}).content.decode())
    for words in ("all keys of Secret database", "MODE = ConfigMap settings: mode", "HTTP :8080/ok", "sleep 4 s"):
        assert words in page
    assert "/etc/settings: ConfigMap settings, read-only" in page


def test_the_lists_offer_what_the_namespace_has_and_no_value_of_a_secret(shop: None, browser: Browser) -> None:
    settings_and_secrets()
    page = browser.post(PAGE, FULL | {"go": "look"}).content.decode()

    assert '<option value="configMap/settings/mode" selected>mode · ConfigMap settings' in page
    assert '<option value="secret/database/password">password · Secret database' in page
    assert "team" not in page[page.index("fields--env") : page.index("Add a variable")]
    assert "hunter2" not in page
    assert "aHVudGVyMg" not in page


def test_what_the_namespace_does_not_have_stays_chosen_and_says_so(shop: None, browser: Browser) -> None:
    page = browser.post(PAGE, FULL | {"go": "namespace"}).content.decode()
    assert '<option value="configMap/settings/mode" selected>settings/mode (not there)' in page
    assert "Not in shop" in page


def test_a_refused_row_stands_open_in_its_section(shop: None, browser: Browser) -> None:
    response = browser.post(PAGE, WEB | {"containers-0-liveness-way": "http", "go": "access"})
    assert "number of the port" in said_at(response, "containers-0-liveness-port")
    assert '<details class="fold" id="health-0" open>' in response.content.decode()


def test_a_sixth_container_is_refused_but_init_containers_do_not_count(shop: None, browser: Browser) -> None:
    part = {"cpu": "0.25", "memory": "0.4"}
    six = {f"containers-{index}-image": manifests.IMAGE for index in range(6)}
    six |= {f"containers-{index}-{name}": value for index in range(6) for name, value in part.items()}
    response = browser.post(PAGE, WEB | six | {"size": "2.00_4.0", "go": "access"})
    assert "at most 5 containers" in response.content.decode()

    fewer = WEB | six | {"size": "2.00_4.0", "containers-5-role": "init", "go": "access"}
    assert step_of(browser.post(PAGE, fewer)) == "access"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "Web_1", "lower case"),
        ("name", "", "Give the workload a name"),
        ("name", "web", "already"),
        ("replicas", "two", "whole number"),
        ("replicas", "-1", "greater than or equal to 0"),
        ("replicas", "9" * 5000, "at most 9 digits"),
        ("description", "x" * 251, "250"),
        ("namespace", "gone", "no namespace gone"),
        ("containers-0-image", "Not An Image", "lower case"),
        ("containers-0-tag", "2", "names its version already"),
        ("containers-0-cpu", "0.3", "multiple of 0.25"),
        ("containers-0-cpu", "0,5", "not a quantity"),
        ("containers-0-memory", "0.1", "at least 0.2 GiB"),
        ("containers-0-command", "echo 'half", "quotation"),
        ("containers-0-env-0-name", "1=x", "environment variable"),
        ("containers-0-mount-0-path", "data", "absolute path"),
        ("containers-0-mount-0-limit", "much", "GiB as a number"),
        ("max_surge", "some", "percent"),
        ("grace_seconds", "soon", "whole number"),
        ("grace_seconds", "-4", "from 0"),
    ],
)
def test_a_refusal_stands_at_its_field(shop: None, browser: Browser, field: str, value: str, sentence: str) -> None:
    response = browser.post(PAGE, WEB | {field: value, "step": "advanced", "go": "confirm"})

    assert response.status_code == 422
    assert sentence in said_at(response, field)
    assert "Invalid value" not in said_at(response, field)
    assert step_of(response) == ("advanced" if field in ("max_surge", "grace_seconds") else "basic")
    if field != "namespace":
        assert value_of(response, field) == value


def test_a_refusal_in_a_later_row_stands_at_that_row(shop: None, browser: Browser) -> None:
    second = {
        "containers-0-cpu": "0.25",
        "containers-0-memory": "0.5",
        "containers-1-name": "side",
        "containers-1-image": manifests.IMAGE,
        "containers-1-cpu": "0.25",
        "containers-1-memory": "0.5",
        "containers-1-env-0-name": "",
        "containers-1-env-1-name": "2=x",
    }
    response = browser.post(PAGE, WEB | second | {"go": "access"})
    assert "environment variable" in said_at(response, "containers-1-env-1-name")
    assert said_at(response, "containers-0-env-0-name") == ""


def test_two_wrong_steps_are_shown_the_first_one_first(shop: None, browser: Browser) -> None:
    response = press(browser, "submit", step="confirm", name="Web_", max_surge="x")
    assert step_of(response) == "basic"
    assert said_at(response, "max_surge")


def test_a_size_off_the_grid_offers_the_nearest_with_their_price(shop: None, browser: Browser) -> None:
    response = press(browser, "look", size="free", size_cores="3", size_gib="4")
    page = response.content.decode()

    assert "A pod must have 2 to 8 GiB of memory per core." in page
    for value, title, price in (
        ("3.00_6.0", "3 cores · 6 GiB", "¥0.9612/h"),
        ("2.00_4.0", "2 cores · 4 GiB", "¥0.6408/h"),
    ):
        assert re.search(rf'value="size-{value}">{title} <span class="money">{price}<', page)

    taken = press(browser, "size-3.00_6.0", size="free", size_cores="3", size_gib="4")
    assert (value_of(taken, "size_cores"), value_of(taken, "size_gib")) == ("3", "6")


@pytest.mark.parametrize("size", ["1e99999999_1.0", "nan_1", "0.249_1", "9" * 4000, "<b>"])
def test_nonsense_for_a_size_is_refused_and_escaped(shop: None, browser: Browser, size: str) -> None:
    response = press(browser, "access", size=size)
    assert response.status_code == 422
    assert b"<b>" not in response.content


def test_containers_and_variables_are_added_and_removed(shop: None, browser: Browser) -> None:
    added = press(browser, "add-container")
    assert 'id="id_containers-1-image"' in added.content.decode()
    assert re.search('id="id_containers-1-image"[^>]* autofocus', added.content.decode())

    removed = press(browser, "remove-container-0", containers__1__image="second:1")
    assert value_of(removed, "containers-0-image") == "second:1"

    variable = press(browser, "add-env-0")
    assert re.search('id="id_containers-0-env-1-name"[^>]* autofocus', variable.content.decode())
    assert "env-0-0" not in press(browser, "remove-env-0-0").content.decode()


@pytest.mark.parametrize(
    "go", ["remove-env-0-99", "remove-container-7", "add-env-", "size-", "add-env-0-0-0", "no-such"]
)
def test_a_button_that_is_not_on_the_page_changes_nothing(shop: None, browser: Browser, go: str) -> None:
    assert value_of(press(browser, go), "name") == "api"


def test_a_namespace_that_went_meanwhile_is_said_and_stays_chosen(shop: None, browser: Browser) -> None:
    scenes.person().delete("Namespace", "shop")
    response = press(browser, "submit", step="confirm")

    assert "shop" in said_at(response, "namespace")
    assert '<option value="shop" selected>shop (gone)</option>' in response.content.decode()
    assert value_of(response, "name") == "api"


def test_pressing_twice_makes_one_and_shows_it(shop: None, browser: Browser) -> None:
    before = scenes.person().count("Deployment", "shop")
    first = press(browser, "submit", step="confirm")
    second = press(browser, "submit", step="confirm")

    assert first.headers["Location"] == second.headers["Location"] == "/namespaces/shop/deployments/api/"
    assert scenes.person().count("Deployment", "shop") == before + 1


def test_another_wish_under_a_taken_name_is_refused(shop: None, browser: Browser) -> None:
    press(browser, "submit", step="confirm")
    assert "already" in said_at(press(browser, "submit", step="confirm", replicas="3"), "name")


def test_a_look_creates_nothing_and_tells_the_price_of_the_bill(shop: None, browser: Browser) -> None:
    rate = billing.rate(500, 1024, pods=7)
    page = press(browser, "look", replicas="7").content.decode()

    assert billing.format_money(rate.per_hour, rate.currency) in page
    assert scenes.person().count("Deployment", "shop") == 1


def test_the_confirmed_price_is_the_bills(shop: None, browser: Browser) -> None:
    rate = billing.rate(500, 1024, pods=2)
    page = press(browser, "confirm", step="advanced").content.decode()

    shown = re.search(r"<dt>Price</dt><dd><span class=\"money\">([^<]+)</span>", page)
    assert shown
    assert shown[1] == billing.format_money(rate.per_hour, rate.currency)


def test_the_command_beside_the_form_says_all_of_it(shop: None, browser: Browser) -> None:
    page = unescape(press(browser, "look").content.decode())
    command = page[page.index("kubectl apply -f - <<'EOF'") :]
    text = command[command.index("\n") : command.index("\nEOF")]
    assert yaml.safe_load(text)["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "COLOUR", "value": "green"}
    ]


def test_a_form_that_is_far_too_large_is_answered_with_a_sentence(shop: None, browser: Browser) -> None:
    response = browser.post(PAGE, WEB | {"description": "x" * (9 * 1024 * 1024)})
    assert response.status_code == 413
    assert b"larger than 8.0" in response.content


@pytest.mark.parametrize(("kind", "start"), [("deployment", "web"), ("deployment", "worker"), ("job", "job")])
def test_a_form_can_begin_with_what_is_common(shop: None, browser: Browser, kind: str, start: str) -> None:
    page = browser.get(f"/create/{kind}/?namespace=shop&start={start}").content.decode()
    assert f'value="{start}"' in page and f"start={start}" in page


def test_what_forms_begin_with_is_without_problems_once_it_has_a_name_and_an_image(db: None) -> None:
    known: dict[str, type[DeploymentDraft] | type[JobDraft]] = {"Deployment": DeploymentDraft, "Job": JobDraft}
    for kind, found in starts.STARTS.items():
        for start in found:
            typed = {**start.fields, "name": "one", "namespace": "shop", "containers-0-image": "nginx"}
            assert known[kind].read(typed).problems() == [], start.name


def test_a_look_tells_what_is_wrong_field_by_field(shop: None, browser: Browser) -> None:
    def wrong(**fields: str) -> dict[str, str]:
        page = browser.post(PAGE, FULL | fields | {"go": "look"})
        assert page.status_code == 200
        return dict(re.findall(r'<li data-field="([^"]*)">(.*?)</li>', page.content.decode()))

    assert wrong() == {}
    assert "choose another name" in wrong(**{"name": "web", "containers-0-image": ""})["name"]
    assert "lower case" in wrong(name="Shop_1")["name"]
