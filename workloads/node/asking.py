"""One probe, asked once: an HTTP request, a connection, a gRPC health check or a command, and what came of it in the
kubelet's words.

Nothing here holds up anything else: requests and connections wait in the event loop, commands on a few threads.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from workloads.kinds import handlers
from workloads.meta.keys import Uid
from workloads.node import healthcalls
from workloads.runtimes.base import Runtime, RuntimeFault

JSON = dict[str, Any]

COMMANDS_AT_ONCE = 8
AT_ONCE = 64
_REDIRECTS = 10
_AGENT = "kube-probe/1.33"


@dataclass(frozen=True)
class Question:
    """`probe` is the probe as the container has it."""

    uid: Uid
    ip: str
    container: JSON
    probe: JSON

    @property
    def seconds(self) -> float:
        return float(self.probe.get("timeoutSeconds") or 1)


@dataclass(frozen=True)
class Outcome:
    """`passes` None: nothing was learned (the question itself cannot be put)."""

    passes: bool | None
    words: str = ""


class Asker:
    """Belongs to one event loop. `close` it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._commands = ThreadPoolExecutor(COMMANDS_AT_ONCE, thread_name_prefix="probe")
        self._slots = asyncio.Semaphore(AT_ONCE)
        # a probe asks whether a new caller would be served; whose certificate it is is not asked
        self._http = httpx.AsyncClient(
            verify=False,  # noqa: S501
            trust_env=False,
            limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0),
        )

    async def ask(self, question: Question) -> Outcome:
        async with self._slots:
            probe = question.probe
            if probe.get("exec"):
                return await self._command(question)
            action = probe.get("httpGet") or probe.get("tcpSocket") or probe["grpc"]
            port = handlers.port(action, question.container)
            if port is None:
                return Outcome(None, f"couldn't find port: {action['port']}")
            if probe.get("httpGet"):
                return await self._request(question, handlers.address(action, ip=question.ip, port=port))
            if probe.get("grpc"):
                return await _check(question, port)
            return await _connect(question.ip, port, seconds=question.seconds)

    async def close(self) -> None:
        await self._http.aclose()
        self._commands.shutdown(wait=False, cancel_futures=True)

    async def _request(self, question: Question, url: str) -> Outcome:
        headers = handlers.headers(question.probe["httpGet"], agent=_AGENT)
        try:
            async with asyncio.timeout(question.seconds):
                return await self._follow(self._http.build_request("GET", url, headers=headers))
        except TimeoutError:
            words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            return Outcome(passes=False, words=f'Get "{url}": {words}')
        except httpx.ConnectError as error:
            return Outcome(passes=False, words=f'Get "{url}": dial tcp {urlsplit(url).netloc}: {_dialled(error)}')
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return Outcome(passes=False, words=f'Get "{url}": {error or type(error).__name__}')

    async def _follow(self, request: httpx.Request) -> Outcome:
        """Redirects are followed within the pod; one that leads elsewhere is an answer, and a good one."""
        host = request.url.host
        for _ in range(_REDIRECTS):
            response = await self._http.send(request, stream=True)
            await response.aclose()
            following = response.next_request
            if following is None or following.url.host != host:
                break
            request = following
        else:
            return Outcome(passes=False, words=f'Get "{request.url}": stopped after {_REDIRECTS} redirects')
        if 200 <= response.status_code < 400:
            return Outcome(passes=True)
        return Outcome(passes=False, words=f"HTTP probe failed with statuscode: {response.status_code}")

    async def _command(self, question: Question) -> Outcome:
        command = question.probe["exec"]["command"]
        loop = asyncio.get_running_loop()
        name, seconds = question.container["name"], question.seconds
        try:
            ran = await loop.run_in_executor(
                self._commands, lambda: self._runtime.exec(question.uid, name, command, seconds=seconds)
            )
        except RuntimeFault as fault:
            return Outcome(None, str(fault))
        if ran.exit_code is None:
            return Outcome(passes=False, words=f'command timed out: "{" ".join(command)}" timed out after {seconds:g}s')
        return Outcome(passes=ran.exit_code == 0, words=ran.output.decode(errors="replace").strip())


async def _check(question: Question, port: int) -> Outcome:
    service = question.probe["grpc"].get("service") or ""
    wrong = await healthcalls.check(question.ip, port, service, seconds=question.seconds, agent=_AGENT)
    return Outcome(passes=not wrong, words=wrong)


async def _connect(ip: str, port: int, *, seconds: float) -> Outcome:
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(ip, port)
    except TimeoutError:
        return Outcome(passes=False, words=f"dial tcp {ip}:{port}: i/o timeout")
    except OSError as error:
        return Outcome(passes=False, words=f"dial tcp {ip}:{port}: {_dialled(error)}")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Outcome(passes=True)


def _dialled(error: BaseException) -> str:
    """What the kernel said, as Go says it: `connect: connection refused`."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return f"connect: {os.strerror(cause.errno).lower()}"
        cause = cause.__cause__ or cause.__context__
    return f"connect: {error}"
