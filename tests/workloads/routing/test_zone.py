"""What is answered is Kubernetes' DNS specification, and for whom: the namespace that asks, and no other."""

from __future__ import annotations

import pytest

from tests.workloads.routing.directories import API, LAB, OTHERS, SERVER, SHOP, known
from workloads.routing.zone import Answer, Home, Zone

IN = "shop.svc.cluster.local"
NODATA, NXDOMAIN = "nothing of that type", "no such name"


def ask(name: str, type: str = "A", *, home: Home = SHOP, api: str = API) -> Answer | None:
    return Zone(known(), server=SERVER, api=lambda: api).answer(home, name, type)


def said(name: str, type: str = "A", *, home: Home = SHOP, api: str = API) -> list[str] | str:
    found = ask(name, type, home=home, api=api)
    if found is None:
        return "elsewhere"
    if not found.exists:
        return NXDOMAIN
    return [f"{one.type} {one.data}" for one in found.records] or NODATA


@pytest.mark.parametrize(
    ("name", "type", "wanted"),
    [
        (f"web.{IN}", "A", ["A 10.247.1.1"]),
        ("WEB.Shop.SVC.cluster.LOCAL", "A", ["A 10.247.1.1"]),
        (f"web.{IN}", "AAAA", NODATA),
        (f"web.{IN}", "MX", NODATA),
        (f"gone.{IN}", "A", NXDOMAIN),
        (f"gone.{IN}", "AAAA", NXDOMAIN),
        (f"x.web.{IN}", "A", NXDOMAIN),
        ("web.shop.cluster.local", "A", NXDOMAIN),
        # named ports alone have places of their own
        (f"_http._tcp.web.{IN}", "SRV", [f"SRV 0 100 80 web.{IN}."]),
        (f"_dns._udp.web.{IN}", "SRV", [f"SRV 0 100 53 web.{IN}."]),
        (f"_http._tcp.web.{IN}", "A", NODATA),
        (f"_tcp.web.{IN}", "SRV", NODATA),
        (f"_dns._tcp.web.{IN}", "SRV", NXDOMAIN),
        (f"_tcp.plain.{IN}", "SRV", NXDOMAIN),
        (f"plain.{IN}", "SRV", [f"SRV 0 100 80 plain.{IN}."]),
        # headless: who is ready, by host name or address
        (f"db.{IN}", "A", ["A 10.248.0.5", "A 10.248.0.6"]),
        (f"db.{IN}", "AAAA", NODATA),
        (f"db-0.db.{IN}", "A", ["A 10.248.0.5"]),
        (f"10-248-0-6.db.{IN}", "A", ["A 10.248.0.6"]),
        (f"10-248-0-5.db.{IN}", "A", NXDOMAIN),
        (f"10-248-0-7.db.{IN}", "A", NXDOMAIN),
        (
            f"_sql._tcp.db.{IN}",
            "SRV",
            [f"SRV 0 100 15432 db-0.db.{IN}.", f"SRV 0 100 15432 10-248-0-6.db.{IN}."],
        ),
        (f"all.{IN}", "A", ["A 10.248.0.5", "A 10.248.0.7"]),
        (f"all.{IN}", "SRV", NODATA),
        (f"nobody.{IN}", "A", NXDOMAIN),
        (f"nobody.{IN}", "SRV", NXDOMAIN),
        # aliases
        (f"out.{IN}", "CNAME", ["CNAME www.Example.com."]),
        (f"alias.{IN}", "A", [f"CNAME web.{IN}.", "A 10.247.1.1"]),
        (f"dead.{IN}", "A", NXDOMAIN),
        # pods
        ("10-248-0-5.shop.pod.cluster.local", "A", ["A 10.248.0.5"]),
        ("10-248-0-5.shop.pod.cluster.local", "AAAA", NODATA),
        ("10-248-1-5.shop.pod.cluster.local", "A", NXDOMAIN),
        ("192-0-2-1.shop.pod.cluster.local", "A", NXDOMAIN),
        ("nonsense.shop.pod.cluster.local", "A", NXDOMAIN),
        # what the zone says of itself
        ("dns-version.cluster.local", "TXT", ['TXT "1.1.0"']),
        ("dns-version.cluster.local", "A", NODATA),
        ("cluster.local", "NS", ["NS ns.dns.cluster.local."]),
        ("ns.dns.cluster.local", "A", [f"A {SERVER}"]),
        ("svc.cluster.local", "A", NODATA),
        (IN, "A", NODATA),
        ("shop.pod.cluster.local", "A", NODATA),
        # addresses
        ("1.1.247.10.in-addr.arpa", "PTR", [f"PTR web.{IN}."]),
        ("1.1.247.10.in-addr.arpa", "A", NODATA),
        ("6.0.248.10.in-addr.arpa", "PTR", [f"PTR 10-248-0-6.db.{IN}."]),
        ("5.0.248.10.in-addr.arpa", "PTR", [f"PTR db-0.db.{IN}.", f"PTR 10-248-0-5.all.{IN}."]),
        ("9.0.248.10.in-addr.arpa", "PTR", NXDOMAIN),
        ("9.9.247.10.in-addr.arpa", "PTR", NXDOMAIN),
        ("247.10.in-addr.arpa", "PTR", NODATA),
        ("10.0.247.10.in-addr.arpa", "PTR", ["PTR ns.dns.cluster.local."]),
        # everything else is asked elsewhere
        ("example.com", "A", "elsewhere"),
        ("notcluster.local", "A", "elsewhere"),
        ("web", "A", "elsewhere"),
        ("1.2.0.192.in-addr.arpa", "PTR", "elsewhere"),
        ("248.10.in-addr.arpa", "PTR", "elsewhere"),
        ("x.0.248.10.in-addr.arpa", "PTR", "elsewhere"),
    ],
)
def test_a_namespace_is_told(name: str, type: str, wanted: list[str] | str) -> None:
    assert said(name, type) == wanted


@pytest.mark.parametrize("home", [LAB, OTHERS])
@pytest.mark.parametrize(
    ("name", "type"),
    [
        (f"db.{IN}", "A"),
        (f"db-0.db.{IN}", "A"),
        (f"_sql._tcp.db.{IN}", "SRV"),
        (f"out.{IN}", "CNAME"),
        ("10-248-0-5.shop.pod.cluster.local", "A"),
        ("1.1.247.10.in-addr.arpa", "PTR"),
        ("5.0.248.10.in-addr.arpa", "PTR"),
    ],
)
def test_what_one_namespace_has_no_other_is_told_of(home: Home, name: str, type: str) -> None:
    assert said(name, type, home=home) == NXDOMAIN


def test_namespaces_of_one_name_have_names_of_their_own() -> None:
    assert said(f"web.{IN}", home=OTHERS) == NXDOMAIN
    assert said(f"secret.{IN}", home=OTHERS) == ["A 10.247.3.1"]
    assert said("web.lab.svc.cluster.local", home=LAB) == ["A 10.247.2.1"]


def test_the_api_has_its_name_in_every_namespace_while_pods_reach_it() -> None:
    for home in (SHOP, LAB, OTHERS):
        assert said("kubernetes.default.svc.cluster.local", home=home) == [f"A {API}"]
    assert said("_https._tcp.kubernetes.default.svc.cluster.local", "SRV") == [
        "SRV 0 100 443 kubernetes.default.svc.cluster.local."
    ]
    assert said("1.0.247.10.in-addr.arpa", "PTR") == ["PTR kubernetes.default.svc.cluster.local."]
    assert said("kubernetes.default.svc.cluster.local", api="") == NXDOMAIN
    assert said("other.default.svc.cluster.local") == said("x.kubernetes.default.svc.cluster.local") == NXDOMAIN


def test_an_alias_of_elsewhere_says_whom_to_ask_and_one_of_itself_ends() -> None:
    out, loop = ask(f"out.{IN}"), ask(f"loop.{IN}")
    assert out is not None and out.follow == "www.example.com"
    assert loop is not None and loop.follow == "" and loop.exists


def test_places_bring_the_addresses_of_their_hosts() -> None:
    one, many = ask(f"_http._tcp.web.{IN}", "SRV"), ask(f"_sql._tcp.db.{IN}", "SRV")
    assert one is not None and [(extra.name, extra.data) for extra in one.additional] == [(f"web.{IN}", "10.247.1.1")]
    assert many is not None and [extra.data for extra in many.additional] == ["10.248.0.5", "10.248.0.6"]
