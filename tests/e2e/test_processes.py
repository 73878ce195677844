"""Several processes answer on the API's port, and nobody can tell that they are several."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.stack import Stack

JSON = dict[str, Any]


class Line:
    """One kept connection to the API."""

    def __init__(self, stack: Stack) -> None:
        entry = yaml.safe_load(stack.kubeconfig().read_text())["users"][0]["user"]
        self._headers = {"Authorization": f"Bearer {entry['token']}", "Content-Type": "application/json"}
        trust = ssl.create_default_context(cafile=str(stack.data / "secrets" / "pki" / "ca.crt"))
        self._connection = http.client.HTTPSConnection("127.0.0.1", stack.api_port, context=trust, timeout=30)
        self._connection.connect()

    def call(self, method: str, path: str, body: JSON | None = None, **headers: str) -> bytes:
        sent = orjson.dumps(body) if body is not None else None
        self._connection.request(method, path, sent, {**self._headers, **headers})
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text.decode()
        return text

    def reaches(self, pid: int) -> bool:
        """Whether the other end is that process's."""
        [own, api] = [f"0100007F:{port:04X}" for port in (self._port, self._connection.port)]
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {row[9] for row in rows if row[1:3] == [api, own]}
        held = set()
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                held.add(str(descriptor.readlink()))
        return any(f"socket:[{inode}]" in held for inode in inodes)

    def close(self) -> None:
        self._connection.close()

    @property
    def _port(self) -> int:
        port: int = self._connection.sock.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def both(stack: Stack) -> Iterator[tuple[Line, Line]]:
    """A connection to each of two processes."""
    with stack.another("-m", "console.web", "api") as second, contextlib.ExitStack() as lines:
        found: dict[int, Line] = {}

        def connects() -> bool:
            line = Line(stack)
            lines.callback(line.close)
            line.call("GET", "/version")
            for pid in (stack.pid("web"), second.pid):
                if line.reaches(pid):
                    found[pid] = line
            return len(found) == 2

        stack.wait(connects, seconds=60, what="both processes to answer")
        yield found[stack.pid("web")], found[second.pid]


def test_what_one_process_writes_the_other_lists_at_once(stack: Stack, namespace: str, both: tuple[Line, Line]) -> None:
    place = f"/api/v1/namespaces/{namespace}/configmaps"

    def listed(line: Line) -> set[str]:
        return {item["metadata"]["name"] for item in orjson.loads(line.call("GET", place))["items"]}

    for turn in range(20):
        writer, reader = both if turn % 2 else both[::-1]
        name = f"turn-{turn}"
        writer.call("POST", place, {"metadata": {"name": name}, "data": {"a": "b"}})
        assert name in listed(reader)
        reader.call("DELETE", f"{place}/{name}")
        assert name not in listed(writer)


def test_counts_are_of_all_processes(stack: Stack, both: tuple[Line, Line]) -> None:
    token = (stack.data / "secrets" / "metrics-token").read_text().strip()
    for line in both:
        told = line.call("GET", "/metrics", Authorization=f"Bearer {token}").decode()
        assert "\ncci_api_processes 2\n" in told
