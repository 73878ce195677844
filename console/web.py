"""The web process: the console on one port, the Kubernetes API and IAM (TLS) on another, the API alone for pods on an
address of its own, all in one event loop.

    python -m console.web [pages] [api] [pods]

These are its doors, all of them when none is named. One with `api` alone serves beside another web process on the same
port: the kernel deals connections out among all that listen there (SO_REUSEPORT), so that several processors answer.
In docker-compose.yml `pods` is a process of its own, on the host's network.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import sys
from collections.abc import Collection, Coroutine, Iterator
from typing import Any

import uvicorn
import uvloop

from console import env
from iam import pki

DOORS = ("pages", "api", "pods")


class _Server(uvicorn.Server):
    """Two servers share a process, so neither may take the signals for itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(*doors: str) -> None:
    """Serves until SIGTERM or SIGINT; open streams get five seconds to end. `doors` are some of DOORS; none are all."""
    if strange := set(doors) - set(DOORS):
        raise SystemExit(f"{', '.join(sorted(strange))} is none of {', '.join(DOORS)}")
    _open_many()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(doors or DOORS))


def _open_many() -> None:
    """As many connections as the system lets it have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(doors: Collection[str]) -> None:
    import django

    django.setup()
    from workloads import watch
    from workloads.kubeapi import siblings, telemetry
    from workloads.kubeapi.app import application as kubeapi
    from workloads.kubeapi.app import for_pods
    from workloads.kubeapi.connections import IDLE_SECONDS, Connection

    identity = pki.ensure()
    tls: dict[str, Any] = {
        "ssl_certfile": str(identity.certificate),
        "ssl_keyfile": str(identity.key),
        # who exec's stdin outruns is not read from, and cannot answer a ping meanwhile
        "ws_ping_timeout": None,
        "http": Connection,
        "timeout_keep_alive": IDLE_SECONDS,
    }
    servers, running, stopping = list[_Server](), list[Coroutine[Any, Any, None]](), asyncio.Event()
    if "api" in doors:
        api = _Server(_config(kubeapi, **tls))
        servers.append(api)
        running.append(api.serve(sockets=[_shared(env.get("CCI_HOST"), env.number("CCI_API_PORT"))]))
    if "pages" in doors:
        from console.asgi import application as console

        pages = _Server(_config(console, port=env.number("CCI_PORT")))
        servers.append(pages)
        running.append(pages.serve())
    if "pods" in doors:
        inner = _Server(_config(for_pods, **tls))
        servers.append(inner)
        running.append(_serve_pods(inner, stopping))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, servers, stopping)
    async with siblings.known(telemetry.told):
        await asyncio.gather(*running)
    await watch.close()


def _shared(host: str, port: int) -> socket.socket:
    """A listener beside others of this installation. Raises SystemExit where the port is somebody else's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=True)
    except OSError as error:
        raise SystemExit(f"{host}:{port} cannot be listened on: {error.strerror}. CCI_API_PORT moves it.") from None


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
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=3,
        server_header=False,
        **{"http": "httptools", **rest},
    )


def _stop(servers: list[_Server], stopping: asyncio.Event) -> None:
    stopping.set()
    for server in servers:
        if server.should_exit:
            server.force_exit = True
        server.should_exit = True


if __name__ == "__main__":
    main(*sys.argv[1:])
