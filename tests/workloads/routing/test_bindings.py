from __future__ import annotations

from typing import Any

from workloads.routing import bindings
from workloads.routing.bindings import Listener

JSON = dict[str, Any]

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def service(name: str = "db", *ports: int, made: str = OLD, protocol: str = "TCP", **annotations: str) -> JSON:
    return {
        "kind": "Service",
        "metadata": {
            "namespace": "shop",
            "name": name,
            "uid": name,
            "creationTimestamp": made,
            "annotations": {f"kubernetes.io/elb.{key}": value for key, value in annotations.items()},
        },
        "spec": {"type": "LoadBalancer", "ports": [{"port": port, "protocol": protocol} for port in ports or (80,)]},
    }


def ingress(name: str = "web", *paths: tuple[str, str, str], made: str = OLD, **more: Any) -> JSON:
    """`paths` are (host, path, service)."""
    rules = [
        {
            "host": host,
            "http": {
                "paths": [
                    {"path": path, "pathType": "Prefix", "backend": {"service": {"name": to, "port": {"number": 80}}}}
                ]
            },
        }
        for host, path, to in paths
    ]
    metadata = {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": made}
    annotations = more.pop("annotations", {})
    return {
        "kind": "Ingress",
        "metadata": {**metadata, "annotations": annotations},
        "spec": {"ingressClassName": "cce", "rules": rules, **more},
    }


def listener(bound: bindings.Bound, port: int) -> Listener:
    return next(one for one in bound.listeners if one.port == port)


def reached(one: Listener) -> dict[str, list[tuple[str, str]]]:
    """By host: (path, service), "" for a redirect."""
    return {
        host: [(route.path, route.backend.service if route.backend else "") for route in routes]
        for host, routes in one.hosts.items()
    }


def test_a_service_has_a_listener_for_each_of_its_ports() -> None:
    bound = bindings.bind([service("db", 5432, 5433)])
    assert [(one.port, one.protocol) for one in bound.listeners] == [(5432, "TCP"), (5433, "TCP")]
    assert bound.conflicts == []


def test_the_annotation_moves_the_only_port() -> None:
    bound = bindings.bind([service("db", 5432, port="6000")])
    assert [(one.port, one.backend.port if one.backend else 0) for one in bound.listeners] == [(6000, 5432)]


def test_tcp_and_udp_of_one_number_are_two_listeners() -> None:
    bound = bindings.bind([service("tcp", 53), service("udp", 53, protocol="UDP")])
    assert [one.protocol for one in bound.listeners] == ["TCP", "UDP"]
    assert bound.conflicts == []


def test_the_one_that_was_there_first_keeps_the_port_whatever_the_order_of_the_list() -> None:
    bound = bindings.bind([service("late", 80, made=NEW), service("early", 80)])
    assert [str(owner) for owner in bound.listeners[0].owners] == ["Service shop/early"]
    assert [conflict.message for conflict in bound.conflicts] == [
        "Listener port is repeated: 80/TCP belongs to Service shop/early, which was there first"
    ]


def test_of_two_that_were_made_in_one_second_the_name_decides() -> None:
    one, two = service("db", 80), service("db-again", 80)
    one["metadata"]["uid"], two["metadata"]["uid"] = "z", "a"
    assert [str(owner) for owner in bindings.bind([two, one]).listeners[0].owners] == ["Service shop/db"]


def test_ingresses_share_a_port_and_their_rules_are_merged() -> None:
    bound = bindings.bind(
        [ingress("one", ("a.example", "/", "a")), ingress("two", ("a.example", "/api", "b"), ("", "/", "c"), made=NEW)]
    )
    assert reached(listener(bound, 80)) == {"a.example": [("/", "a"), ("/api", "b")], "": [("/", "c")]}
    assert bound.conflicts == []


def test_of_two_rules_for_a_path_the_older_ones_serves() -> None:
    bound = bindings.bind(
        [ingress("late", ("a.example", "/x/", "late"), made=NEW), ingress("early", ("a.example", "/x", "early"))]
    )
    assert reached(listener(bound, 80)) == {"a.example": [("/x", "early")]}
    assert [conflict.what for conflict in bound.conflicts] == ["80/HTTP a.example/x"]


def test_an_ingress_on_a_services_port_stands_back() -> None:
    bound = bindings.bind([service("db", 80), ingress("web", ("", "/", "web"), made=NEW)])
    assert [one.protocol for one in bound.listeners] == ["TCP"]
    assert [str(conflict.loser) for conflict in bound.conflicts] == ["Ingress shop/web"]


def test_a_host_with_a_certificate_is_served_on_443_and_sent_there_from_80() -> None:
    tls = [{"hosts": ["a.example"], "secretName": "a-tls"}]
    bound = bindings.bind([ingress("web", ("a.example", "/", "web"), ("b.example", "/", "web"), tls=tls)])
    assert reached(listener(bound, 443)) == {"a.example": [("/", "web")]}
    assert listener(bound, 443).certificates == {"a.example": ("shop", "a-tls")}
    assert reached(listener(bound, 80)) == {"a.example": [("/", "")], "b.example": [("/", "web")]}


def test_without_the_redirect_it_is_served_on_both() -> None:
    tls = [{"secretName": "a-tls"}]
    bound = bindings.bind(
        [ingress("web", ("a.example", "/", "web"), tls=tls, annotations={"elb.cci.io/ssl-redirect": "false"})]
    )
    assert reached(listener(bound, 80)) == reached(listener(bound, 443)) == {"a.example": [("/", "web")]}
    assert set(listener(bound, 443).certificates) == {"", "a.example"}


def test_a_redirect_nobody_asked_for_takes_no_port_from_a_service() -> None:
    tls = [{"hosts": ["a.example"], "secretName": "a-tls"}]
    bound = bindings.bind([service("db", 80), ingress("web", ("a.example", "/", "web"), tls=tls, made=NEW)])
    assert [(one.port, one.protocol) for one in bound.listeners] == [(80, "TCP"), (443, "HTTPS")]
    assert bound.conflicts == []


def test_a_default_backend_has_what_nothing_else_has() -> None:
    default = {"service": {"name": "rest", "port": {"name": "http"}}}
    bound = bindings.bind([ingress("web", ("a.example", "/x", "web"), defaultBackend=default)])
    assert reached(listener(bound, 80)) == {"a.example": [("/x", "web")], "": [("/", "rest")]}


def elb(name: str, address: str, **metadata: Any) -> JSON:
    return {"kind": "ELB", "metadata": {"name": name, "uid": f"uid-{name}", **metadata}, "spec": {"address": address}}


def chosen(obj: JSON, *known: JSON) -> str:
    found, why = bindings.choose(obj, known)
    return str(found["metadata"]["name"]) if found else why


def test_an_elb_is_chosen_by_id_by_address_or_is_the_default_one() -> None:
    known = elb("default", "127.77.0.1"), elb("own", "127.77.0.2")
    assert chosen(service(id="uid-own"), *known) == "own"
    assert chosen(service(ip="127.77.0.2"), *known) == "own"
    named = service()
    named["metadata"]["annotations"] = {"elb.cci.io/name": "own"}
    assert chosen(named, *known) == "own"
    assert chosen(named, known[0]) == "the account has no ELB of the name own (elb.cci.io/name)"
    assert chosen(service(), *known) == "default"
    assert bindings.choose(service(), known[1:]) == (None, "")


def test_an_elb_that_is_not_there_is_said() -> None:
    known = elb("own", "127.77.0.2"), elb("gone", "127.77.0.3", deletionTimestamp=NEW)
    assert chosen(service(id="nope"), *known) == "the account has no ELB with the id nope (kubernetes.io/elb.id)"
    assert "has the address 127.77.0.2, not 127.77.0.9" in chosen(service(id="uid-own", ip="127.77.0.9"), *known)
    assert "no ELB at 127.77.0.3" in chosen(service(ip="127.77.0.3"), *known)


def test_only_load_balancers_and_ingresses_of_our_class_are_exposed() -> None:
    inner = service()
    inner["spec"]["type"] = "ClusterIP"
    nginx = ingress("web", ("", "/", "web"))
    nginx["spec"]["ingressClassName"] = "nginx"
    assert [bindings.is_exposed(one) for one in (service(), inner, ingress(), nginx)] == [True, False, True, False]
