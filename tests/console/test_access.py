"""Who reaches a Deployment: the access step of its form, the tab Access, and the question whether it is reached now."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from html import unescape
from typing import Any

import pytest
from django.test import Client as Browser

from console import outlooks
from console.doors import Door
from console.forms.access import AccessDraft
from console.reachable import check
from iam import people
from iam.identities import identity_of
from tests import manifests
from tests.console import scenes
from tests.console.test_create import WEB, said_at, step_of
from workloads.client import JSON, Client
from workloads.meta.errors import AlreadyExists, NotFound

PAGE = "/create/deployment/"
ADD = "/namespaces/shop/deployments/web/access/add/"
PUBLIC = {"access": "public", "access-domain": "api.example.com", "access-port-0-port": "80"}
LAYER_4 = PUBLIC | {"access-layer": "4"}


def send(browser: Browser, **fields: str) -> Any:
    return browser.post(PAGE, WEB | {"go": "submit"} | fields)


def text(browser: Browser, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


def get(kind: str, name: str) -> JSON:
    return scenes.person().get(kind, name, "shop")


def test_internal_access_makes_a_service_with_the_deployment(shop: None, browser: Browser) -> None:
    ports = {"access-port-0-port": "80", "access-port-0-target": "8080", "access-port-1-port": "53"}
    answer = send(browser, access="internal", **ports, **{"access-port-1-protocol": "UDP"})
    assert answer.status_code == 302
    spec = get("Service", "api")["spec"]
    assert (spec["type"], spec["selector"]) == ("ClusterIP", {"app": "api"})
    assert [(one["name"], one["port"], one["targetPort"]) for one in spec["ports"]] == [
        ("tcp-80", 80, 8080),
        ("udp-53", 53, 53),
    ]


def test_public_access_by_host_makes_an_ingress_on_a_new_elb(shop: None, browser: Browser) -> None:
    secure = {"access-scheme": "HTTPS", "access-certificate": "cert"}
    answer = send(browser, **PUBLIC | secure, **{"access-elb": "new", "access-elb_name": "shop"})
    assert answer.status_code == 302
    ingress, service = get("Ingress", "api"), get("Service", "api")
    assert service["spec"]["type"] == "ClusterIP"
    assert ingress["metadata"]["annotations"] == {"elb.cci.io/name": "shop", "kubernetes.io/elb.class": "elb"}
    assert ingress["spec"]["tls"] == [{"hosts": ["api.example.com"], "secretName": "cert"}]
    assert scenes.person().get("ELB", "shop")["spec"]["address"]


def test_who_made_it_public_is_told_where_its_address_stands(shop: None, browser: Browser) -> None:
    told = "Where it is reached stands on its tab Access."
    public = browser.post(PAGE, WEB | {"go": "submit"} | PUBLIC, follow=True).content.decode()
    inside = browser.post(PAGE, WEB | {"go": "submit", "name": "inside", "access": "internal"}, follow=True)
    assert told in public
    assert told not in inside.content.decode()


def test_public_access_by_port_makes_a_load_balancer(shop: None, browser: Browser) -> None:
    uid = scenes.person().get("ELB", "web")["metadata"]["uid"]
    answer = send(browser, **LAYER_4, **{"access-elb": uid, "access-elb_port": "8443"})
    assert answer.status_code == 302
    service = get("Service", "api")
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["metadata"]["annotations"]["kubernetes.io/elb.id"] == uid
    assert service["metadata"]["annotations"]["kubernetes.io/elb.port"] == "8443"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"access-port-0-port": "web"}, "access-port-0-port", "a number from 1 to 65535"),
        ({"access-port-0-port": "70000"}, "access-port-0-port", "Must be between 1 and 65535"),
        ({"access-service": "web"}, "access-service", "shop has a Service of this name already"),
        ({"access-ingress": "No"}, "access-ingress", "lower case"),
        ({"access-domain": "a" * 35 + ".com"}, "access-domain", "at most 34 characters"),
        ({"access-domain": "shop_.com"}, "access-domain", "lower case"),
        ({"access-scheme": "HTTPS"}, "access-certificate", "HTTPS shows a certificate"),
        ({"access-path-0-path": "x"}, "access-path-0-path", "Must be an absolute path"),
        ({"access-path-0-port": "81"}, "access-path-0-port", "none of the access ports"),
        ({"access-elb": "new"}, "access-elb_name", "Give the new ELB a name"),
        ({"access-elb": "new", "access-elb_name": "web"}, "access-elb_name", "has an ELB of this name already"),
        ({"access-elb_port": "99999"}, "access-elb_port", "between 1 and 65535"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(
    shop: None, browser: Browser, change: dict[str, str], field: str, words: str
) -> None:
    answer = send(browser, **PUBLIC | change)
    assert answer.status_code == 422 and step_of(answer) == "access"
    assert words in said_at(answer, field)
    with pytest.raises(NotFound):
        get("Deployment", "api")


def test_what_is_confirmed_is_everything_that_will_be_sent(shop: None, browser: Browser) -> None:
    answer = browser.post(PAGE, WEB | PUBLIC | {"go": "confirm"})
    shown = unescape(answer.content.decode())
    for words in ("kind: Deployment", "kind: Service", "kind: Ingress", "outside, http://api.example.com/"):
        assert words in shown


def test_rows_are_added_and_removed(shop: None, browser: Browser) -> None:
    more = unescape(browser.post(PAGE, WEB | PUBLIC | {"step": "access", "go": "add-port"}).content.decode())
    assert 'name="access-port-1-port"' in more
    two = PUBLIC | {"access-path-0-path": "/a", "access-path-1-path": "/b"}
    less = browser.post(PAGE, WEB | two | {"step": "access", "go": "remove-path-0"}).content.decode()
    assert 'value="/b"' in less and 'value="/a"' not in less


def test_when_what_follows_is_refused_the_deployment_is_there_and_it_is_said(
    shop: None, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes the name between the dry run and the create."""
    parts = AccessDraft.parts
    taken = manifests.service("api")

    def late(self: AccessDraft, namespace: str, selector: Any) -> Any:
        with suppress(NotFound, AlreadyExists):
            get("Deployment", "api")
            scenes.person().create("Service", taken, "shop")
        return parts(self, namespace, selector)

    monkeypatch.setattr(AccessDraft, "parts", late)
    answer = browser.post(PAGE, WEB | {"go": "submit", "access": "internal"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/namespaces/shop/deployments/api/access/"
    assert "nobody reaches it as you asked: shop has a Service of this name already" in unescape(
        answer.content.decode()
    )


def test_the_tab_says_where_a_deployment_is_reached(shop: None, browser: Browser) -> None:
    scenes.person().create("Service", manifests.service("other"), "shop")
    shown = text(browser, "/namespaces/shop/deployments/web/access/")
    for words in (
        "http://shop.example.com/",
        "Ingress web",
        "web:80",
        "web.shop.svc.cluster.local",
        "Can it be reached?",
    ):
        assert words in shown
    assert "other:80" not in shown


def test_an_address_for_any_name_is_told_as_such_and_asked_by_one_of_them(shop: None, browser: Browser) -> None:
    wild = [{"op": "replace", "path": "/spec/rules/0/host", "value": "*.wild.example"}]
    scenes.person().patch("Ingress", "web", wild, "application/json-patch+json", "shop")
    shown = text(browser, "/namespaces/shop/deployments/web/access/")
    assert "http://*.wild.example/" in shown and 'href="http://*' not in shown
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer_once, args=(server,), daemon=True).start()
        asked = check(Door("web", "127.0.0.1", server.getsockname()[1], "HTTP"), host="*.wild.example")
    assert "200 any.wild.example" in asked.sentence


def answer_once(server: socket.socket) -> None:
    """With the name it was asked for as its reason."""
    line, _ = server.accept()
    with line:
        host = next(one for one in line.recv(4096).decode().splitlines() if one.startswith("Host: "))
        line.sendall(f"HTTP/1.1 200 {host.removeprefix('Host: ')}\r\nContent-Length: 0\r\n\r\n".encode())


def test_access_is_added_to_what_runs(shop: None, browser: Browser) -> None:
    taken = browser.post(ADD, LAYER_4 | {"go": "submit"})
    assert "shop has a Service of this name already" in said_at(taken, "access-service")
    answer = browser.post(ADD, LAYER_4 | {"go": "submit", "access-service": "web-public"})
    assert answer.headers["Location"] == "/namespaces/shop/deployments/web/access/"
    assert get("Service", "web-public")["spec"]["selector"] == {"app": "web"}


def test_only_addresses_of_the_deployment_are_asked(shop: None, browser: Browser) -> None:
    shown = text(browser, "/namespaces/shop/deployments/web/access/check/?at=http://127.0.0.1:6379/")
    assert "Choose an address" in shown


def test_a_port_that_takes_connections_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert check(Door("web", "127.0.0.1", port, "TCP")).ok
    gone = check(Door("web", "127.0.0.1", port, "HTTP"), host="shop.example.com")
    assert not gone.ok and "Nobody listens at" in gone.sentence
    assert "UDP has no handshake" in check(Door("web", "127.0.0.1", port, "UDP")).sentence


def looked(browser: Browser, page: str = PAGE, **fields: str) -> str:
    """The page as it is while one types."""
    sent = {"step": "access", "go": "look", "access-elb": scenes.person().get("ELB", "web")["metadata"]["uid"]}
    names = {"access-service": "more", "access-ingress": "more"}
    answer = browser.post(page, WEB | PUBLIC | names | sent | fields)
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"access-domain": "shop.example.com"}, "80/HTTP shop.example.com/ of ELB web belongs to Ingress shop/web"),
        ({"access-layer": "4"}, "80/TCP of ELB web belongs to Ingress shop/web"),
        ({"access-layer": "4", "access-port-0-port": "81", "access-elb_port": "80"}, "80/TCP of ELB web belongs to"),
    ],
)
def test_who_has_the_port_or_the_path_already_is_said_while_one_types(
    shop: None, browser: Browser, fields: dict[str, str], words: str
) -> None:
    for page in (PAGE, ADD):
        assert f"Listener port is repeated: {words}" in looked(browser, page, **fields)
    assert f"Listener port is repeated: {words}" in looked(browser, **fields, step="basic", go="confirm")
    assert "belongs to" not in looked(browser, **fields, **{"access-elb": "default"})  # nobody is there yet


def test_what_is_free_is_shown_with_its_address_to_copy(shop: None, browser: Browser) -> None:
    address = scenes.person().get("ELB", "web")["spec"]["address"]
    shown = looked(browser)
    assert "Listener port is repeated" not in shown and ">http://api.example.com/<" in shown
    assert f">http://{address}:8080/<" in looked(browser, **{"access-domain": "", "access-elb_port": "8080"})
    assert f">{address}:81<" in looked(browser, **{"access-layer": "4", "access-port-0-port": "81"})
    assert "It will answer at" not in looked(browser, **{"access-elb": "new", "access-elb_name": "more"})


def test_who_may_not_see_the_other_is_told_of_the_port_as_the_elb_tells_it(shop: None) -> None:
    admin = identity_of(scenes.user())
    allowed = [
        {"Effect": "Allow", "Action": ["CCI:elb:*"]},
        {"Effect": "Allow", "Action": ["CCI:*:*"], "Resource": ["CCI:*:*:namespace:hers"]},
    ]
    people.create_policy(admin, "hers", document={"Version": "1.1", "Statement": allowed})
    people.create_user(admin, "carol", password="secret-secret", policies=["hers"])
    elb = scenes.person().get("ELB", "web")["metadata"]["uid"]
    draft = AccessDraft(reach="public", layer="4", service="api", elb=elb)
    (said,) = outlooks.of(Client(identity_of(scenes.user("acme", "carol"))), draft, "hers").taken
    assert "80/HTTP of ELB web belongs to Ingress shop/web" in said
