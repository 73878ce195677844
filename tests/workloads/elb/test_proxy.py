"""What is asked of Services and ELBs, through a real Envoy, and what it does when something goes wrong."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.workloads.elb.asking import endpoints, eventually, get, service
from tests.workloads.elb.proxies import Proxy, echo, pod, running
from workloads.elb.ads import Ads
from workloads.routing.resources import ENDPOINTS

# Inside


def test_a_service_answers_at_its_address_and_spreads_over_its_pods(proxy: Proxy) -> None:
    one, two = proxy.address(131), proxy.address(132)
    with pod("one", one), pod("two", two):
        service(proxy, "spread", 10, one, two)
        said = {get(proxy.address(10), source=proxy.address(200)).text.split()[0] for _ in range(8)}
    assert said == {"one", "two"}


def test_nobody_but_the_namespaces_own_pods_reaches_a_service(proxy: Proxy) -> None:
    with pod("one", proxy.address(133)):
        service(proxy, "closed", 11, proxy.address(133))
        assert get(proxy.address(11), source=proxy.address(200)).status_code == 200
        with pytest.raises(httpx.TransportError):
            get(proxy.address(11), source=proxy.address(5))


def test_a_client_stays_with_its_pod_when_the_service_says_so(proxy: Proxy) -> None:
    places = [proxy.address(number) for number in range(134, 138)]
    with pod("a", places[0]), pod("b", places[1]), pod("c", places[2]), pod("d", places[3]):
        service(proxy, "sticky", 12, *places, sessionAffinity="ClientIP")
        said = {get(proxy.address(12), source=proxy.address(201)).text.split()[0] for _ in range(12)}
    assert len(said) == 1


def test_udp_is_answered_within_the_namespace_alone(proxy: Proxy) -> None:
    with echo(proxy.address(138), 8080, b"heard "):
        service(proxy, "udp", 13, proxy.address(138), protocol="UDP")
        assert ask(proxy.address(13), proxy.address(200)) == b"heard hello"
        assert ask(proxy.address(13), proxy.address(5), seconds=0.3) is None


def ask(address: str, source: str, *, seconds: float = 3.0) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.settimeout(seconds)
        client.sendto(b"hello", (address, 80))
        try:
            return client.recv(100)
        except TimeoutError:
            return None


def test_a_pod_that_is_told_to_go_gets_no_request_whatever_its_slice_says(proxy: Proxy) -> None:
    stays, goes = proxy.address(139), proxy.address(140)
    with pod("stays", stays), pod("goes", goes):
        service(proxy, "leaving", 14, stays, goes)
        proxy.put("Pod", "goes", metadata={"uid": f"pod-{goes}", "deletionTimestamp": "2026-01-01T00:00:00Z"})
        said = {get(proxy.address(14), source=proxy.address(200)).text.split()[0] for _ in range(8)}
    assert said == {"stays"}


def test_while_none_is_ready_those_on_their_way_out_still_serve(proxy: Proxy) -> None:
    with pod("last", proxy.address(141)):
        service(proxy, "last", 15)
        endpoints(proxy, "last", proxy.address(141), ready=False, terminating=True)
        assert get(proxy.address(15), source=proxy.address(200)).text.startswith("last")


def test_endpoints_in_other_peoples_networks_are_left_out(proxy: Proxy) -> None:
    proxy.put("Network", "n", "other", "globex", spec={}, status={"state": "Active", "cidr": f"{proxy.network}.64/26"})
    with pod("foreign", proxy.address(70)):
        service(proxy, "curious", 16, proxy.address(70))
        with pytest.raises(httpx.TransportError):
            get(proxy.address(16), source=proxy.address(200))


# Layer 4, and what goes wrong


def test_a_load_balancer_answers_on_the_elb_and_goes_with_its_service(proxy: Proxy, elb: str) -> None:
    with pod("four", proxy.address(160)):
        made = service(
            proxy,
            "four",
            30,
            proxy.address(160),
            type="LoadBalancer",
            ports=[{"name": "main", "port": 9000, "protocol": "TCP"}],
        )
        assert get(elb, 9000).text.startswith("four")
        proxy.drop(made)
        with pytest.raises(httpx.TransportError):
            get(elb, 9000)


def test_another_account_has_its_own_elb_and_sees_nothing_of_ours(proxy: Proxy, elb: str) -> None:
    theirs = proxy.address(2)
    proxy.put("ELB", "default", account="globex", metadata={"namespace": "", "uid": "their"}, spec={"address": theirs})
    with pytest.raises(httpx.TransportError):
        get(theirs, 80)


def test_an_envoy_that_was_killed_serves_the_same_again(tmp_path: Path) -> None:
    with running() as proxy, pod("one", proxy.address(131)):
        service(proxy, "web", 10, proxy.address(131))
        proxy.kill_envoy()
        proxy.start_envoy()

        def answer() -> str:
            """It says that it has a listener a moment before it listens."""
            with contextlib.suppress(httpx.ConnectError):
                return get(proxy.address(10), source=proxy.address(200)).text[:3]
            return ""

        assert eventually(answer, "one") == "one"


def test_a_traffic_process_that_starts_again_takes_nothing_away(tmp_path: Path) -> None:
    with running() as proxy, pod("one", proxy.address(131)):
        service(proxy, "web", 10, proxy.address(131))

        def still_serves() -> None:
            for _ in range(5):
                assert get(proxy.address(10), source=proxy.address(200)).text.startswith("one")
                time.sleep(0.05)

        proxy.restart_traffic(still_serves)
        still_serves()


def test_an_address_that_somebody_else_has_is_said_and_had_when_it_is_free(proxy: Proxy, elb: str) -> None:
    with socket.create_server((proxy.address(40), 80)), pod("fine", proxy.address(161)):
        taken = service(proxy, "taken", 40, proxy.address(161))
        service(proxy, "fine", 41, proxy.address(161))
        assert get(proxy.address(41), source=proxy.address(200)).text.startswith("fine")
        assert [name for _, name in proxy.rejected] == ["service/acme/shop/taken/80"]
    assert eventually(lambda: proxy.rejected, {}, seconds=10) == {}
    proxy.drop(taken)


def test_what_is_no_resource_of_envoys_is_said_until_it_goes_and_the_rest_is_served() -> None:
    table = Ads()
    table.publish({(ENDPOINTS, "good"): {"cluster_name": "good"}, (ENDPOINTS, "bad"): {"nonsense": 1}}, 1)
    assert [name for _, name in table.rejected] == ["bad"]
    assert [name for _, name in table.snapshot.resources] == ["good"]
    table.publish({(ENDPOINTS, "good"): {"cluster_name": "good"}}, 2)
    assert table.rejected == {}
