"""Names are answered over real sockets: to whom, how long an answer may be, and what junk and silence do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest
from dns.message import Message

from tests.workloads.elb.servers import addresses, ask, data, saying
from tests.workloads.routing.directories import API, LAB, OTHERS, SHOP, Known, endpoint, known
from workloads.elb import dns as server
from workloads.elb import names, resolvers
from workloads.elb.resolvers import Resolvers
from workloads.routing.zone import INSTANCE

HERE = "127.77.251.10"
ELSEWHERE, SILENT = "127.77.251.53", "127.77.251.54"
A_SHOP, A_LAB, A_STRANGER = "127.77.252.5", "127.77.253.5", "127.0.0.1"
WEB, DB = "web.shop.svc.cluster.local", "db.shop.svc.cluster.local"


@pytest.fixture
def directory() -> Known:
    found = known()
    found.subnets |= {"127.77.252": SHOP, "127.77.253": LAB}
    return found


class Place:
    """Where a server answers; questions are `shop`'s unless said otherwise."""

    def __init__(self, port: int, elsewhere: int) -> None:
        self.port, self.elsewhere = port, elsewhere

    async def ask(
        self, name: str, type: str = "A", source: str = A_SHOP, *, tcp: bool = False, edns: int = 0
    ) -> Message:
        return await ask(name, type, at=(HERE, self.port), source=source, tcp=tcp, edns=edns)


@contextlib.asynccontextmanager
async def answering(directory: Known, *, hosts_file: Path) -> AsyncIterator[Place]:
    place, stop = Place(_free(HERE), _free(ELSEWHERE)), asyncio.Event()
    others = Resolvers(own=HERE, port=place.elsewhere, hosts_file=hosts_file)
    running = asyncio.create_task(
        server.serve(directory, address=HERE, port=place.port, stop=stop, api=lambda: API, resolvers=others)
    )
    while not _answers(place.port):
        await asyncio.sleep(0.01)
    try:
        yield place
    finally:
        stop.set()
        await running


@pytest.fixture
def hosts_file(tmp_path: Path) -> Path:
    file = tmp_path / "resolv.conf"
    file.write_text(f"nameserver {HERE}\nnameserver {ELSEWHERE}\n")
    return file


@pytest.fixture
async def place(directory: Known, hosts_file: Path) -> AsyncIterator[Place]:
    async with answering(directory, hosts_file=hosts_file) as found:
        yield found


@pytest.mark.parametrize("tcp", [False, True])
async def test_pods_are_told_names_of_their_own_namespace_alone(place: Place, tcp: bool) -> None:
    own, foreign = await place.ask(WEB, tcp=tcp), await place.ask(WEB, source=A_LAB, tcp=tcp)
    assert data(own) == ["A 10.247.1.1"] and own.flags & dns.flags.AA and own.flags & dns.flags.RA
    assert foreign.rcode() == dns.rcode.NXDOMAIN and foreign.authority[0].ttl == 5
    assert (await place.ask(WEB, source=A_STRANGER, tcp=tcp)).rcode() == dns.rcode.REFUSED


async def test_a_name_is_answered_as_it_was_written(place: Place) -> None:
    reply = await place.ask("Web.SHOP.svc.cluster.local")
    assert str(reply.answer[0].name) == "Web.SHOP.svc.cluster.local."
    (extra,) = (await place.ask(f"_http._tcp.{WEB}", "SRV")).additional
    assert (str(extra.name), str(extra[0])) == (f"{WEB}.", "10.247.1.1")


async def test_a_known_name_without_such_records_is_no_unknown_name(place: Place) -> None:
    reply = await place.ask(WEB, "AAAA")
    assert (reply.rcode(), reply.answer) == (dns.rcode.NOERROR, [])
    assert reply.authority[0].to_text().endswith(" 86400 5")


async def test_what_does_not_fit_says_so_and_comes_whole_over_tcp(place: Place, directory: Known) -> None:
    many = [endpoint(f"10.248.{number // 250}.{number % 250 + 1}") for number in range(1000)]
    directory.add(SHOP, "many", *many, clusterIP="None")

    for edns, fits in ((0, 29), (600, 34), (4096, 73)):
        reply = await place.ask("many.shop.svc.cluster.local", edns=edns)
        assert reply.flags & dns.flags.TC and len(data(reply)) == fits
    assert len(data(await place.ask("many.shop.svc.cluster.local", tcp=True))) == 1000


async def test_more_than_tcp_can_carry_is_some_of_it(place: Place, directory: Known) -> None:
    many = [endpoint(f"10.248.{number // 250}.{number % 250 + 1}") for number in range(6000)]
    directory.add(SHOP, "many", *many, clusterIP="None")

    reply = await place.ask("many.shop.svc.cluster.local", tcp=True)
    assert not reply.flags & dns.flags.TC and len(data(reply)) == (65535 - 45) // 16


# Elsewhere


@pytest.mark.parametrize("tcp", [False, True])
async def test_other_names_are_asked_of_whom_the_host_asks(place: Place, tcp: bool) -> None:
    async with saying(addresses("192.0.2.7"), ELSEWHERE, place.elsewhere):
        assert data(await place.ask("www.example.com", tcp=tcp)) == ["A 192.0.2.7"]
        aliased = await place.ask("out.shop.svc.cluster.local", tcp=tcp)
        assert data(aliased) == ["CNAME www.Example.com.", "A 192.0.2.7"]


async def test_a_truncated_answer_of_elsewhere_is_had_by_tcp(place: Place) -> None:
    def say(question: Message, tcp: bool) -> Message:
        reply = dns.message.make_response(question)
        if tcp:
            return addresses("192.0.2.7")(question, tcp)  # type: ignore[return-value]
        reply.flags |= dns.flags.TC
        return reply

    async with saying(say, ELSEWHERE, place.elsewhere):
        assert (await place.ask("www.example.com")).flags & dns.flags.TC
        assert data(await place.ask("www.example.com", tcp=True)) == ["A 192.0.2.7"]
        assert data(await place.ask("out.shop.svc.cluster.local"))[1:] == ["A 192.0.2.7"]


async def test_nobody_who_answers_is_a_failure_in_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "PATIENCE_SECONDS", 0.1)

    async with saying(lambda question, tcp: None, ELSEWHERE, place.elsewhere):
        assert (await place.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL
        assert data(await place.ask(WEB)) == ["A 10.247.1.1"]
    assert (await place.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL


async def test_a_question_that_was_lost_is_asked_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "PATIENCE_SECONDS", 0.1)
    heard = list[Message]()

    def deaf_at_first(question: Message, tcp: bool) -> Message | bytes | None:
        heard.append(question)
        return addresses("192.0.2.7")(question, tcp) if len(heard) > 1 else None

    async with saying(deaf_at_first, ELSEWHERE, place.elsewhere):
        assert data(await place.ask("www.example.com")) == ["A 192.0.2.7"]


async def test_a_server_that_fails_is_passed_over_for_one_that_answers(
    place: Place, hosts_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolvers, "PATIENCE_SECONDS", 0.1)
    hosts_file.write_text(f"nameserver {SILENT}\nnameserver {ELSEWHERE}\n")

    bad = addresses(rcode=dns.rcode.SERVFAIL)
    async with saying(addresses("192.0.2.7"), ELSEWHERE, place.elsewhere), saying(bad, SILENT, place.elsewhere):
        assert data(await place.ask("www.example.com")) == ["A 192.0.2.7"]


async def test_an_answer_to_another_question_is_none(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "PATIENCE_SECONDS", 0.1)

    def forged(question: Message, tcp: bool) -> Message | bytes | None:
        other = dns.message.make_query("other.example", "A", id=question.id)
        return addresses("192.0.2.66")(other, tcp)

    async with saying(forged, ELSEWHERE, place.elsewhere):
        assert (await place.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL


async def test_another_list_of_the_hosts_servers_is_read_when_it_is_there(place: Place, hosts_file: Path) -> None:
    async with saying(addresses("192.0.2.7"), SILENT, place.elsewhere):
        assert (await place.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL
        hosts_file.write_text(f"nameserver {SILENT}\n")
        assert data(await place.ask("www.example.com")) == ["A 192.0.2.7"]


@pytest.mark.parametrize("named", ["127.0.0.53", "10.247.0.1", "10.248.2.5", "224.0.0.1"])
async def test_no_namespace_has_others_asked_whom_its_pods_could_not_ask(
    place: Place, directory: Known, named: str
) -> None:
    directory.servers[SHOP] = [named]

    assert (await place.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL


def test_a_namespaces_own_servers_are_asked_for_it_alone(directory: Known, hosts_file: Path) -> None:
    directory.servers[SHOP] = ["192.0.2.53", "10.248.0.9"]
    asked = names.Names(directory, address=HERE, api=lambda: "", resolvers=Resolvers(own=HERE, hosts_file=hosts_file))
    assert asked._servers(SHOP) == ["192.0.2.53", "10.248.0.9"]
    assert asked._servers(LAB) == asked._servers(OTHERS) == [ELSEWHERE]


async def test_one_namespace_waiting_for_elsewhere_leaves_room_for_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MOST_WAITING_OF_ONE", 2)
    monkeypatch.setattr(resolvers, "PATIENCE_SECONDS", 0.5)

    def late(question: Message, tcp: bool) -> Message | bytes | None:
        return addresses("192.0.2.7")(question, tcp) if "b." in str(question) else None

    async with saying(late, ELSEWHERE, place.elsewhere):
        waiting = [asyncio.create_task(place.ask(f"a{number}.example.com")) for number in range(2)]
        await asyncio.sleep(0.1)
        assert (await place.ask("b.example.com")).rcode() == dns.rcode.SERVFAIL
        assert data(await place.ask("b.example.com", source=A_LAB)) == ["A 192.0.2.7"]
        await asyncio.gather(*waiting)
        assert data(await place.ask("b.example.com")) == ["A 192.0.2.7"]


# Junk


async def test_no_packet_whatever_it_is_keeps_the_next_from_being_answered(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(5)
    query = dns.message.make_query(WEB, "A", use_edns=0).to_wire()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((A_SHOP, 0))
        for number in range(1500):
            wire = bytearray(query if number % 3 else chance.randbytes(chance.randrange(60)))
            for _ in range(chance.randrange(1, 5)):
                if wire:
                    wire[chance.randrange(len(wire))] = chance.randrange(256)
            client.sendto(bytes(wire), (HERE, place.port))
            await asyncio.sleep(0)
    assert data(await place.ask(WEB, tcp=False)) == ["A 10.247.1.1"]
    _, writer = await asyncio.open_connection(HERE, place.port, local_addr=(A_SHOP, 0))
    writer.write(b"\xff\xff" + b"x" * 70000)
    writer.close()
    assert data(await place.ask(WEB, tcp=True)) == ["A 10.247.1.1"]
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({2: 0x28}, dns.rcode.NOTIMP),  # an update
        ({5: 2}, dns.rcode.FORMERR),  # two questions
        ({7: 1}, dns.rcode.FORMERR),  # a question with answers
        ({-1: 3}, dns.rcode.REFUSED),  # of another class
        ({-3: 252}, dns.rcode.REFUSED),  # a transfer
    ],
)
async def test_what_is_no_simple_question_is_refused(
    place: Place, change: dict[int, int], wanted: dns.rcode.Rcode
) -> None:
    wire = bytearray(dns.message.make_query(WEB, "A").to_wire())
    for at, value in change.items():
        wire[at] = value

    reader, writer = await asyncio.open_connection(HERE, place.port, local_addr=(A_SHOP, 0))
    writer.write(len(wire).to_bytes(2, "big") + wire)
    length = int.from_bytes(await reader.readexactly(2), "big")
    assert (await reader.readexactly(length))[3] & 0x0F == wanted
    writer.close()


async def test_answers_are_not_answered(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((A_SHOP, 0))
        client.settimeout(0.2)
        client.sendto(dns.message.make_response(dns.message.make_query(WEB, "A")).to_wire(), (HERE, place.port))
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(client.recv, 512)


async def test_one_namespaces_flood_is_not_heard_and_others_are(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MOST_A_SECOND", 0)

    with pytest.raises(EOFError):
        await place.ask(WEB, tcp=True)
    # the host itself asks whether we are there
    assert data(await place.ask(INSTANCE, "TXT", source=HERE))[0].startswith('TXT "')


async def test_the_host_is_told_whose_server_it_is_and_pods_are_not(place: Place) -> None:
    assert (await place.ask(INSTANCE, "TXT", source=A_SHOP)).rcode() == dns.rcode.NXDOMAIN
    assert (await place.ask(WEB, source=HERE)).rcode() == dns.rcode.REFUSED


async def test_questions_that_come_too_early_wait_for_their_answer(directory: Known) -> None:
    port, stop, ready = _free(HERE), asyncio.Event(), asyncio.Event()
    serving = server.serve(directory, address=HERE, port=port, stop=stop, api=lambda: API, ready=ready)
    running = asyncio.create_task(serving)
    while not _answers(port):
        await asyncio.sleep(0.01)
    asking = asyncio.create_task(ask(WEB, "A", at=(HERE, port), source=A_SHOP))
    await asyncio.sleep(0.05)
    assert not asking.done()
    ready.set()
    assert data(await asking) == ["A 10.247.1.1"]
    stop.set()
    await running


async def test_an_address_that_is_taken_is_waited_for(directory: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TRY_AGAIN_SECONDS", 0.02)
    port, stop = _free(HERE), asyncio.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HERE, port))
        running = asyncio.create_task(server.serve(directory, address=HERE, port=port, stop=stop, api=lambda: API))
        await asyncio.sleep(0.1)
        assert not running.done() and not _answers(port)
    while not _answers(port):
        await asyncio.sleep(0.01)
    assert data(await ask(WEB, "A", at=(HERE, port), source=A_SHOP)) == ["A 10.247.1.1"]
    stop.set()
    await running


def _free(address: str) -> int:
    """A port that is free for both."""
    with socket.create_server((address, 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port = int(tcp.getsockname()[1])
        udp.bind((address, port))
        return port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.bind((A_STRANGER, 0))
        return probe.connect_ex((HERE, port)) == 0
