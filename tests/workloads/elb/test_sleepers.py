"""Workloads fall asleep when nobody asks and are woken by the next request, through a real Envoy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.load import load
from tests.workloads.elb.asking import eventually, get, until
from tests.workloads.elb.proxies import running
from tests.workloads.elb.webs import Web
from workloads.elb import relay, sleepers
from workloads.kinds import sleeping
from workloads.meta.errors import Forbidden
from workloads.meta.keys import Key

JSON = dict[str, Any]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setattr(sleepers, "SETTLE", 0.05)
    with running() as proxy:
        web = Web(proxy)
        yield web
        web.close()


def test_an_idle_workload_falls_asleep_and_the_next_request_is_answered(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    assert web.get().text.startswith("web")
    assert (web.is_asleep, web.proxy.naps.woke) == (False, 1)


def test_many_requests_wake_it_once_and_all_are_answered(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    with ThreadPoolExecutor(20) as people:
        said = list(people.map(lambda _: web.get().status_code, range(40)))
    assert (said, web.proxy.naps.woke) == ([200] * 40, 1)


def test_who_is_asked_does_not_fall_asleep(web: Web) -> None:
    web.begin(after="1s")
    with load(web.address, host=web.host, rate=5) as asked:
        time.sleep(3)
    assert (web.proxy.naps.slept, dict(asked.bad)) == (0, {})


def test_awake_routes_ask_nobody(web: Web) -> None:
    web.begin(after="1h")
    web.get()
    assert "hold" not in web.proxy.admin("/stats?filter=ext_authz.hold.*ok&usedonly")


def test_a_post_is_held_with_its_body(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    answer = httpx.post(f"http://{web.address}/", content=b"x" * 500_000, headers={"Host": web.host}, timeout=20)
    assert answer.status_code == 200


def test_beyond_the_bound_people_are_told_to_come_back(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleeping, "MOST_WAITING", 3)
    web.starts_in = 1.5
    web.begin(after="1s")
    assert web.falls_asleep()
    with ThreadPoolExecutor(8) as people:
        said = list(people.map(lambda _: web.get(), range(8)))
    refused = [one for one in said if one.status_code == 503]
    assert (len(refused), sum(one.status_code == 200 for one in said)) == (5, 3)
    assert refused[0].headers["Retry-After"] == "5"
    assert "Service shop/web is being started, and 3 requests wait" in refused[0].text


def test_nobody_waits_for_ever(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleeping, "LONGEST_WAIT", 1)
    web.starts_in = None
    web.begin(after="1s")
    assert web.falls_asleep()
    answer = web.get()
    assert (answer.status_code, "no pod of it was ready within 1 seconds" in answer.text) == (503, True)


def test_what_may_not_be_woken_is_said(web: Web) -> None:
    web.proxy.naps.refusal = Forbidden("the account is in arrears")
    web.begin(after="1s")
    assert web.falls_asleep()
    answer = web.get()
    assert (answer.status_code, "was asleep and could not be started" in answer.text) == (503, True)


def test_a_websocket_keeps_it_awake(web: Web) -> None:
    with socket.create_server((web.place, 8080)) as server:
        web.expose()
        web.deploy(after="1s")
        with socket.create_connection((web.address, 80)) as client:
            client.sendall(
                f"GET / HTTP/1.1\r\nHost: {web.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
            )
            line, _ = server.accept()
            line.recv(4096)
            line.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi")
            assert until(client, b"hi")
            time.sleep(2.5)
            assert web.proxy.naps.slept == 0
            line.close()
        assert web.falls_asleep()


def test_no_request_is_lost_however_it_comes_between_the_steps(web: Web) -> None:
    """Requests a little apart from one another, so that each one finds another step of falling asleep or waking."""
    web.starts_in = 0.05
    web.begin(after="1s")
    said = []
    for number in range(12):
        time.sleep(1.0 + number * 0.04)
        said.append(web.get().status_code)
    assert said == [200] * 12
    assert web.proxy.naps.slept >= 3


def test_a_traffic_process_that_is_killed_while_they_wait_tells_them_to_come_back(web: Web) -> None:
    web.starts_in = None
    web.begin(after="1s")
    assert web.falls_asleep()
    said: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: said.append(web.get()))
    asking.start()
    assert eventually(lambda: web.proxy.naps.woke, 1)
    web.proxy.restart_traffic(lambda: None)
    asking.join(10)
    assert (said[0].status_code, said[0].headers["Retry-After"]) == (503, "5")


def test_one_that_starts_again_wakes_for_whoever_asks_even_before_it_has_read_everything(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    said: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: said.append(web.get()))

    def ask() -> None:
        asking.start()
        time.sleep(0.3)

    web.proxy.restart_traffic(ask)
    asking.join(15)
    assert (said[0].status_code, web.proxy.naps.woke) == (200, 1)


def test_who_is_killed_before_it_wrote_has_lost_nobody(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = threading.Event()

    async def never(key: Key, deployment: JSON) -> int | None:
        writing.set()
        await asyncio.sleep(60)
        return None

    monkeypatch.setattr(web.proxy.naps, "put_to_sleep", never)
    web.begin(after="1s")
    assert writing.wait(10)
    web.proxy.stop_traffic()
    assert web.get().status_code == 200


def test_an_envoy_that_is_killed_holds_again(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    web.proxy.kill_envoy()
    web.proxy.start_envoy()

    def answer() -> int:
        with contextlib.suppress(httpx.ConnectError):  # it listens a moment after it has said that it has everything
            return web.get().status_code
        return 0

    assert eventually(answer, 200) == 200
    assert web.proxy.naps.woke == 1


def test_somebody_who_scales_it_by_hand_wakes_it(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    web.deploy(after="1h", replicas=1)
    web.proxy._do(web.start())
    assert (web.get().status_code, web.proxy.naps.woke) == (200, 0)


def test_who_waits_is_served_when_the_wish_is_taken_back_meanwhile(web: Web) -> None:
    web.begin(after="1s")
    assert web.falls_asleep()
    web.deploy(after="", replicas=1)
    with ThreadPoolExecutor(5) as people:
        asked = [people.submit(web.get) for _ in range(5)]
        time.sleep(0.5)
        web.proxy._do(web.start())
        assert [one.result().status_code for one in asked] == [200] * 5
    assert eventually(lambda: web.key in web.proxy.world.sleepers, False) is False


def test_an_account_without_sockets_left_holds_up_nobody(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MOST_OF_ACCOUNT", 0)
    web.begin(after="1s")
    assert web.falls_asleep()
    assert web.get().status_code == 200


def test_a_persons_own_nought_is_not_woken(web: Web) -> None:
    web.begin(after="1h")
    web.deploy(after="1h", replicas=0)
    web.proxy._do(web.stop())
    answer = web.get()
    assert (answer.status_code, "has no pod that is ready" in answer.text, web.proxy.naps.woke) == (503, True, 0)


class TestLayer4:
    """Through the ELB of a LoadBalancer, and inside."""

    def balanced(self, web: Web) -> None:
        web.begin(after="1s")
        ports = [{"name": "main", "port": 9000, "protocol": "TCP"}]
        web.proxy.put(
            "Service",
            "web",
            spec={
                "type": "LoadBalancer",
                "clusterIP": web.proxy.address(60),
                "ports": ports,
                "selector": {"app": "web"},
            },
        )

    def test_a_connection_wakes_and_is_served(self, web: Web) -> None:
        self.balanced(web)
        assert web.falls_asleep()
        assert get(web.address, 9000, timeout=10).text.startswith("web")
        assert (web.is_asleep, web.proxy.naps.woke) == (False, 1)
        assert get(web.address, 9000, timeout=10).text.startswith("web")

    def test_one_from_inside_wakes_as_well(self, web: Web) -> None:
        web.begin(after="1s")
        assert web.falls_asleep()
        answer = get(web.proxy.address(10 + web.number), 80, source=web.proxy.address(250), timeout=10)
        assert (answer.status_code, web.proxy.naps.woke) == (200, 1)

    def test_one_that_stays_open_keeps_it_awake_and_is_not_cut_by_waking(self, web: Web) -> None:
        self.balanced(web)
        assert web.falls_asleep()
        with httpx.Client(base_url=f"http://{web.address}:9000", timeout=10) as client:
            assert client.get("/").status_code == 200
            time.sleep(2.5)
            assert web.proxy.naps.slept == 1
            assert client.get("/").status_code == 200
        assert web.falls_asleep()

    def test_nobody_who_connects_between_the_steps_is_lost(self, web: Web) -> None:
        web.starts_in = 0.05
        self.balanced(web)
        said = []
        for number in range(8):
            time.sleep(1.0 + number * 0.06)
            said.append(get(web.address, 9000, timeout=10).status_code)
        assert said == [200] * 8
        assert web.proxy.naps.slept >= 2
