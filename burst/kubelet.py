"""The kubelet of the virtual node, as far as a cluster's API server and its metrics-server ask one.

GET  /containerLogs/{namespace}/{pod}/{container}        logs
*    /exec|attach/{namespace}/{pod}[/{uid}]/{container}  commands, by SPDY/3.1 or WebSocket
*    /portForward/{namespace}/{pod}[/{uid}]              by SPDY/3.1
POST /run/{namespace}/{pod}[/{uid}]/{container}          a command's output
GET  /pods /stats/summary /metrics/resource /metrics /healthz

Who asks is judged first (`authorization`), except for /healthz.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from burst import figures, names, sessions
from burst.api import Api, ApiError, Unreachable, path
from burst.authorization import Authorization, Denied
from burst.figures import Figures
from burst.serving import Exchange, Request
from burst.sessions import Command

JSON = dict[str, Any]

MOST_OUTPUT = 4 * 1024 * 1024
_LOG_OPTIONS = ("tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes", "previous", "follow")

log = logging.getLogger(__name__)


class NotThere(Exception):
    """A sentence; answered as 404."""


class Kubelet:
    """`wanted` are the cluster's pods of this node, `there` those of CCI, as the leader sees them."""

    def __init__(
        self,
        cci: Api,
        namespace: str,
        authorization: Authorization,
        *,
        wanted: Callable[[], Iterable[JSON]],
        there: Callable[[], Iterable[JSON]],
        measures: Callable[[], str] = lambda: "",
    ) -> None:
        self._cci, self._namespace, self._authorization = cci, namespace, authorization
        self._wanted, self._there, self._measures = wanted, there, measures
        self._figures = Figures(cci, namespace)

    async def handle(self, exchange: Exchange) -> None:
        """Answers one request, whatever it is."""
        request = exchange.request
        if request.path == "/healthz":
            await exchange.reply(200, "ok")
            return
        try:
            await self._authorization.admit(request)
            await self._answer(exchange)
        except Denied as denied:
            await exchange.reply(denied.status, f"{denied.sentence}\n")
        except NotThere as error:
            await exchange.reply(404, f"{error}\n")
        except ApiError as error:
            if exchange.answered:
                raise
            await exchange.reply(error.status, f"{error.message or error.reason}\n")
        except Unreachable as error:
            if exchange.answered:
                raise
            await exchange.reply(502, f"CCI cannot be reached: {error or type(error).__name__}\n")

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        parts = request.path.strip("/").split("/")
        match (request.method, *parts):
            case "GET", "pods":
                items = list(self._wanted())
                await exchange.reply_json({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items})
            case "GET", "stats", "summary":
                await exchange.reply_json(figures.summary(await self._figures.now(self._by_name())))
            case "GET", "metrics", "resource":
                await exchange.reply(200, *figures.resource_metrics(await self._figures.now(self._by_name())))
            case "GET", "metrics":
                await exchange.reply(200, self._measures())
            case "GET", "containerLogs", namespace, pod, container:
                await self._logs(exchange, namespace, pod, container)
            case "GET" | "POST", "exec" | "attach" as verb, namespace, pod, *rest if len(rest) in (1, 2):
                await sessions.serve_command(exchange, await self._command(request, verb, namespace, pod, rest))
            case "GET" | "POST", "portForward", namespace, pod, *rest if len(rest) < 2:
                name = await self._named(namespace, pod, uid="".join(rest))
                await sessions.serve_forward(exchange, self._cci, self._namespace, name)
            case "POST", "run", namespace, pod, *rest if len(rest) in (1, 2):
                await self._run(exchange, namespace, pod, rest)
            case _:
                raise NotThere(f"the virtual node does not serve {request.method} {request.path}")

    async def _logs(self, exchange: Exchange, namespace: str, pod: str, container: str) -> None:
        request = exchange.request
        params = {name: request.one(name) for name in _LOG_OPTIONS if request.one(name)} | {"container": container}
        name = await self._named(namespace, pod)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        address = path("pods", self._namespace, name, "log")
        async with self._cci.open("GET", address, params=params, timeout=timeout) as response:
            await exchange.begin("text/plain")

            async def copy() -> None:
                async for piece in response.content.iter_any():
                    await exchange.send(piece)
                await exchange.end()

            if request.one("follow") in ("true", "1"):
                await exchange.until_hung_up(copy())
            else:
                await copy()

    async def _command(self, request: Request, verb: str, namespace: str, pod: str, rest: list[str]) -> Command:
        """The kubelet's words for a command's streams are others than the API's."""
        *uid, container = rest
        name = await self._named(namespace, pod, uid="".join(uid))
        words = (("input", "stdin"), ("output", "stdout"), ("error", "stderr"), ("tty", "tty"))
        given = [(word, "true") for kubelets, word in words if request.one(kubelets) in ("1", "true")]
        if ("tty", "true") in given:
            given = [one for one in given if one[0] != "stderr"]
        params = [("container", container), *given]
        if verb == "exec":
            params += [("command", word) for word in request.every("command")]
        return Command(self._cci, self._namespace, name, verb, params)

    async def _run(self, exchange: Exchange, namespace: str, pod: str, rest: list[str]) -> None:
        *uid, container = rest
        name = await self._named(namespace, pod, uid="".join(uid))
        words = [("command", word) for word in exchange.request.one("cmd").split()]
        params = [("container", container), ("stdout", "true"), ("stderr", "true"), *words]
        output, status = await sessions.output(Command(self._cci, self._namespace, name, "exec", params), MOST_OUTPUT)
        ended = json.loads(status or b"{}")
        if ended.get("status") == "Failure":
            await exchange.reply(500, f"{ended.get('message', '')}\n{output.decode(errors='replace')}")
            return
        await exchange.reply(200, output)

    async def _named(self, namespace: str, pod: str, *, uid: str = "") -> str:
        """The name in CCI of a pod of the cluster, which must be that pod's. Raises NotThere."""
        name = names.pod_name(namespace, pod)
        there = await self._cci.find("pods", self._namespace, name)
        metadata = (there or {}).get("metadata") or {}
        labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
        is_it = labels.get(names.NAMESPACE_LABEL) == namespace and annotations.get(names.POD_ANNOTATION) == pod
        if not is_it or (uid and labels.get(names.UID_LABEL) != uid):
            raise NotThere(f"pod {pod} of namespace {namespace} does not run in CCI")
        return name

    def _by_name(self) -> dict[str, JSON]:
        return {pod["metadata"]["name"]: pod for pod in self._there()}
