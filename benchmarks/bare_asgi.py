"""A peer: the least an ASGI application can do, on the same server with the same TLS. It answers
with a file's bytes, and hands what is posted to everyone who watches.

python -m benchmarks.bare_asgi PORT CERTIFICATE KEY FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import uvicorn


def main(port: str, certificate: str, key: str, folder: str) -> None:
    bodies: dict[str, tuple[float, bytes]] = {}

    def body_of(name: str) -> bytes:
        """Read again when it was written again."""
        path = Path(folder) / name.strip("/")
        written = path.stat().st_mtime_ns
        if bodies.get(name, (0, b""))[0] != written:
            bodies[name] = written, path.read_bytes()
        return bodies[name][1]

    watching: set[asyncio.Future[bytes]] = set()

    async def watch(send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            rung: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            watching.add(rung)
            await send({"type": "http.response.body", "body": await rung, "more_body": True})

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/watch":
            await watch(send)
        if scope["method"] == "POST":
            said = (await receive())["body"]
            for rung in tuple(watching):
                watching.discard(rung)
                rung.set_result(said)
        body = body_of(scope["path"])
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(
        application,
        port=int(port),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="critical",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
