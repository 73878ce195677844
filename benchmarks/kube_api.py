"""How fast the Kubernetes API answers, beside what a real kube-apiserver took on such a machine.

    python -m benchmarks.kube_api [pods [processes]]

The web processes alone serve, as many as `make run` starts (no controller acts on the pods), as kube-apiserver and
etcd were measured. Its figures, PUBLISHED below, are of another, quiet run: kube-apiserver 1.36.2 with etcd 3.6 on 2
cores of this kind, pods of 2.5 KB, medians of 5. They cannot be in this run, so a peer that can is measured beside: an
ASGI application that does nothing but hand out the same bytes, on the same server with the same TLS (`bare`). A busy
machine slows that one, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks.wire import Address, Line, Watchers, rate

PUBLISHED = {
    "CREATE, 1 client": 269.0,
    "CREATE, 8 clients": 735.0,
    "GET, 1 client": 948.0,
    "GET, 8 clients": 2098.0,
    "PATCH, 1 client": 253.0,
    "PATCH, 8 clients": 417.0,
    "LIST 1,000 pods": 0.052,
    "LIST 10,000 pods": 0.549,
    "last of 100 watchers": 0.008,
    "last of 1,000 watchers": 0.039,
}
"""Rates a second, durations in seconds. A client of its own took about 0.150 s of the 10,000 pods and 0.023 s of the
1,000 watchers."""
PUBLISHED_RSS = {"at the start": 262, "with 10,000 pods": 569, "after lists": 1052, "with 1,000 watchers": 682}
AIMS = {"LIST": "at most 0.3", "last": "at most 1.0", "GET": "at least 1.0", "CREATE": "at least 0.5"}
AIMS["PATCH"] = AIMS["CREATE"]

PODS = "/api/v1/namespaces/bench/pods"
SIZE = 2500
"""Bytes of a stored pod, about."""
SECONDS = 3.0
"""How long a rate is measured."""
ROUNDS = 5


def main(pods: int = 10_000, processes: int = 0) -> None:
    with tempfile.TemporaryDirectory(prefix="cci-bench-") as folder:
        installation = prepare(Path(folder))
        with bells(), web(installation, processes) as server, _bare(installation) as bare:
            print(f"web processes: {len(server.processes)}")
            run = Run(installation, server, bare)
            run.measure(pods)


@dataclass(frozen=True)
class Installation:
    folder: Path
    token: str
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Server:
    address: Address
    processes: tuple[subprocess.Popen[bytes], ...]

    def processor_seconds(self) -> float:
        """What they have used of processors so far: of a busy machine this says more than rates do."""
        return sum(map(_processor_seconds, self.processes))

    def resident(self) -> int:
        """Bytes of memory they hold now."""
        return sum(map(_resident, self.processes))


def _processor_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(process: subprocess.Popen[bytes]) -> int:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


class Run:
    def __init__(self, installation: Installation, server: Server, bare: Server) -> None:
        self._folder = installation.folder
        self._server, self._bare = server, bare
        self._names = count()
        self._made = 0

    def measure(self, pods: int) -> None:
        self._say_memory("at the start")
        print(f"{'':24}        here   published      ratio   aim           bare peer here")
        made = self._creates()
        self._fill(made, pods=pods)
        self._say_memory(f"with {pods:,} pods")
        self._gets()
        self._patches()
        self._lists(pods)
        self._say_memory("after lists")
        asyncio.run(self._watches())

    def _creates(self) -> int:
        for clients in (1, 8):
            self._rate(f"CREATE, {clients} client{'s' * (clients > 1)}", self._create, clients=clients)
        self._made = next(self._names)
        return self._made

    def _gets(self) -> None:
        asked = self._server.address.request("GET", f"{PODS}/pod-1")
        (self._folder / "bare" / "one").write_bytes(Line(self._server.address).call(asked))
        for clients in (1, 8):
            peer = self._bare_rate("/one", clients=clients)
            self._rate(f"GET, {clients} client{'s' * (clients > 1)}", lambda: asked, clients=clients, peer=peer)

    def _patches(self) -> None:
        for clients in (1, 8):
            self._rate(f"PATCH, {clients} client{'s' * (clients > 1)}", self._patch, clients=clients)

    def _lists(self, pods: int) -> None:
        for number in (1000, pods):
            self._list(number, f"{PODS}?limit={number}" if number < pods else PODS)

    def _list(self, number: int, path: str) -> None:
        line, bare = Line(self._server.address), Line(self._bare.address)
        request, same = self._server.address.request("GET", path), self._bare.address.request("GET", "/many")
        body = line.call(request)
        assert len(orjson.loads(body)["items"]) == number
        (self._folder / "bare" / "many").write_bytes(body)
        took, peer, parsed = [], [], []
        for _ in range(ROUNDS):
            took.append(_timed(partial(line.call, request)))
            peer.append(_timed(partial(bare.call, same)))
            parsed.append(_timed(partial(json.loads, body)))
        name, seconds = f"LIST {number:,} pods", statistics.median(took)
        _say(name, seconds, f"{statistics.median(peer) * 1000:.0f} ms", unit="ms")
        both = seconds + statistics.median(parsed)
        _say(f"{name}, and parsed", both, "", unit="ms", published=PUBLISHED.get(name))
        line.close()
        bare.close()

    async def _watches(self) -> None:
        for number in (100, 1000):
            await self._watch(number)

    async def _watch(self, number: int) -> None:
        pod, before = f"{PODS}/pod-0", self._server.resident()
        since = orjson.loads(self._once(self._server.address.request("GET", f"{PODS}?limit=1")))["metadata"]
        path = f"{PODS}?watch=1&resourceVersion={since['resourceVersion']}&timeoutSeconds=600"
        watchers, took = Watchers(), []
        await watchers.open(self._server.address, path, number=number, ready=lambda: self._once(self._change(pod)))
        line = Line(self._server.address)
        for turn in range(ROUNDS + 2):
            mark = f"turn-{number}-{turn}"
            took.append(await watchers.until_all_hear(mark.encode(), partial(self._said, line, pod, mark)))
        grown = self._server.resident() - before
        watchers.close()
        line.close()
        await asyncio.sleep(1)
        peer = f"{await self._bare_watch(number) * 1000:.0f} ms"
        memory = f"{grown / number / 1024:.0f} KB a watcher"
        _say(f"last of {number:,} watchers", statistics.median(took[2:]), f"{peer:12} {memory}", unit="ms")
        self._say_memory(f"with {number:,} watchers")

    async def _bare_watch(self, number: int) -> float:
        """The same words to as many watchers of the peer."""
        watchers, took = Watchers(), []
        words = b"x" * SIZE
        say = partial(self._bare.address.request, "POST", "/one")
        await watchers.open(
            self._bare.address, "/watch", number=number, ready=lambda: Line(self._bare.address).call(say(words))
        )
        line = Line(self._bare.address)
        for turn in range(ROUNDS + 2):
            mark = f"turn-{number}-{turn}".encode()
            took.append(await watchers.until_all_hear(mark, partial(line.call, say(words + mark + b"\n"))))
        watchers.close()
        line.close()
        return statistics.median(took[2:])

    def _once(self, request: bytes) -> bytes:
        line = Line(self._server.address)
        try:
            return line.call(request)
        finally:
            line.close()

    def _said(self, line: Line, path: str, mark: str = "") -> bytes:
        return line.call(self._change(path, mark))

    def _rate(self, name: str, requests: Callable[[], bytes], *, clients: int, peer: float = 0.0) -> None:
        before = self._server.processor_seconds()
        found = rate(self._server.address, requests, clients=clients, seconds=SECONDS)
        each = (self._server.processor_seconds() - before) / (found * SECONDS) * 1000
        _say(name, found, f"{f'{peer:.0f} /s' if peer else '':12} {each:.2f} ms of processor each", unit="/s")

    def _bare_rate(self, path: str, *, clients: int) -> float:
        request = self._bare.address.request("GET", path)
        return rate(self._bare.address, lambda: request, clients=clients, seconds=SECONDS)

    def _create(self) -> bytes:
        return self._server.address.request("POST", PODS, orjson.dumps(_pod(f"pod-{next(self._names)}")))

    def _patch(self) -> bytes:
        return self._change(f"{PODS}/pod-{next(self._names) % self._made}")

    def _change(self, path: str, mark: str = "") -> bytes:
        said = mark or f"turn-{next(self._names)}"
        body = orjson.dumps({"metadata": {"annotations": {"bench.cci.io/turn": said}}})
        return self._server.address.request("PATCH", path, body, type="application/merge-patch+json")

    def _fill(self, made: int, *, pods: int) -> None:
        """Up to so many: copies, written as the front door writes."""
        from iam.identities import Identity
        from workloads.client import Client
        from workloads.kinds import registry
        from workloads.store import objects
        from workloads.verbs import drafts

        client, kind = Client(Identity(account="bench", user="bench")), registry.kind("Pod")
        model = client.get("Pod", "pod-1", "bench")
        have = client.count("Pod", "bench")
        for number in range(pods - have):
            model["metadata"] |= {"name": f"zz-{number:05}", "uid": f"00000000-0000-4000-8000-{number:012}"}
            objects.insert(drafts.draft(kind, "bench", model))

    def _say_memory(self, when: str) -> None:
        mib = self._server.resident() / 2**20
        published = PUBLISHED_RSS.get(when)
        said = f"{published:>8} MiB {mib / published:>10.2f}" if published else ""
        print(f"{'memory ' + when:28} {mib:>8.0f} MiB {said}")


def _say(name: str, found: float, peer: str, *, unit: str, published: float | None = None) -> None:
    told = PUBLISHED.get(name, published)
    scale = 1000 if unit == "ms" else 1
    aim = next((words for verb, words in AIMS.items() if name.startswith(verb) and name in PUBLISHED), "")
    ratio = f"{told * scale:>8.0f} {unit} {found / told:>10.2f}" if told else ""
    print(f"{name:28} {found * scale:>8.1f} {unit} {ratio}   {aim:13} {peer}", flush=True)


def _timed(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _pod(name: str) -> dict[str, Any]:
    from tests import manifests

    pod = manifests.pod(name)
    padding = SIZE - 1300
    pod["metadata"]["annotations"] = {"bench.cci.io/padding": "x" * padding}
    return pod


def prepare(folder: Path) -> Installation:
    """A database with one account, one user, one namespace."""
    os.environ |= {
        "CCI_DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "CCI_PORT": str(_free_port()),
        "CCI_API_PORT": str(_free_port()),
        "CCI_LOG_LEVEL": "ERROR",
    }
    import django

    django.setup()
    from django.core.management import call_command

    from iam import pki, tokens
    from iam.identities import Identity
    from iam.models import Account, User
    from tests import manifests
    from workloads.client import Client

    call_command("migrate", verbosity=0)
    user = User.objects.create_user(Account.objects.create(name="bench"), "bench", "correct horse battery")
    Client(Identity(account="bench", user="bench")).create("Namespace", manifests.namespace("bench"))
    files = pki.ensure()
    (folder / "bare").mkdir()
    return Installation(folder, tokens.issue(user).token, files.certificate, files.key)


@contextmanager
def bells() -> Iterator[None]:
    """A Redis, as `make run` has it: what one process writes another one's watchers hear of at once."""
    from tests import redis_server

    with redis_server.server() as url:
        os.environ["REDIS_URL"] = url
        yield


@contextmanager
def web(installation: Installation, processes: int) -> Iterator[Server]:
    from console.management.commands.serve import api_processes

    command = [sys.executable, "-m", "console.web"]
    others = [[*command, "api"]] * ((processes or api_processes()) - 1)
    with _served([command, *others], int(os.environ["CCI_API_PORT"]), installation.token) as server:
        yield server


@contextmanager
def _bare(installation: Installation) -> Iterator[Server]:
    port = _free_port()
    files = [str(installation.certificate), str(installation.key), str(installation.folder / "bare")]
    with _served([[sys.executable, "-m", "benchmarks.bare_asgi", str(port), *files]], port, "") as server:
        yield server


@contextmanager
def _served(commands: list[list[str]], port: int, token: str) -> Iterator[Server]:
    processes = [subprocess.Popen(command) for command in commands]
    try:
        deadline = time.monotonic() + 60
        while _listeners(port) < len(commands):
            assert all(process.poll() is None for process in processes), f"{commands} do not serve"
            assert time.monotonic() < deadline, f"{commands} do not serve"
            time.sleep(0.1)
        yield Server(Address(port, token), tuple(processes))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:  # watches hold it up
        process.kill()
        process.wait(10)


def _listeners(port: int) -> int:
    """How many sockets listen there."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    uvloop.install()
    main(*map(int, sys.argv[1:]))
