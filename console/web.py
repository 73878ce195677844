"""The web process: the console on one port, the Kubernetes API and IAM (TLS) on another, the API alone for pods on an
address of its own, all in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import uvicorn
import uvloop

from console import env
from iam import pki


class _Server(uvicorn.Server):
    """Two servers share a process, so neither may take the signals for itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Serves until SIGTERM or SIGINT; open streams get five seconds to end."""
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve())


async def _serve() -> None:
    import django

    django.setup()
    from console.asgi import application as console
    from workloads import watch
    from workloads.kubeapi.app import application as kubeapi
    from workloads.kubeapi.app import for_pods

    identity = pki.ensure()
    api: dict[str, Any] = {
        "ssl_certfile": str(identity.certificate),
        "ssl_keyfile": str(identity.key),
        # who exec's stdin outruns is not read from, and cannot answer a ping meanwhile
        "ws_ping_timeout": None,
    }
    servers = [
        _Server(_config(console, port=env.number("CCI_PORT"))),
        _Server(_config(kubeapi, port=env.number("CCI_API_PORT"), **api)),
    ]
    inner, stopping = _Server(_config(for_pods, **api)), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, [*servers, inner], stopping)
    await asyncio.gather(*(server.serve() for server in servers), _serve_pods(inner, stopping))
    await watch.close()


async def _serve_pods(server: _Server, stopping: asyncio.Event) -> None:
    """The other doors are open meanwhile, and stay open when this one cannot be had."""
    from console import podapi

    listener = await podapi.listener(env.address("CCI_POD_API"), stopping)
    if listener is not None:
        await server.serve(sockets=[listener])


def _config(application: Any, **rest: Any) -> uvicorn.Config:
    """wsproto, because uvicorn's default WebSocket implementation refuses kubectl's port-forward."""
    return uvicorn.Config(
        application,
        host=env.get("CCI_HOST"),
        ws="wsproto",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=3,
        server_header=False,
        **rest,
    )


def _stop(servers: list[_Server], stopping: asyncio.Event) -> None:
    stopping.set()
    for server in servers:
        if server.should_exit:
            server.force_exit = True
        server.should_exit = True


if __name__ == "__main__":
    main()
