"""What others ask the proxy tier, by HTTP on a Unix socket that only this user may open.

GET /reached?revision=R&seconds=S   waits for at most S (5) until Envoy has all of R: {"reached": ..., "envoys": ...}
GET /figures?elb=<uid>              what its listeners are asked now: {"listeners": [{port, layer, perSecond, ...}]}
GET /state                          {"reached", "revision", "envoys", "resources", "rejected": [{type, name, why}]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvicorn

from workloads.elb.ads import Ads
from workloads.elb.figures import Away, Meter
from workloads.verbs.sockets import listening_at

JSON = dict[str, Any]
LONGEST_SECONDS = 5.0


async def serve(ads: Ads, place: Path) -> None:
    """Envoy's admin socket stands beside it."""
    config = uvicorn.Config(
        Doors(ads, Meter(place.with_name("envoy.sock"))),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    with listening_at(place) as listener:
        try:
            await server.serve(sockets=[listener])
        finally:
            server.should_exit = True


class Doors:
    """ASGI."""

    def __init__(self, ads: Ads, meter: Meter) -> None:
        self._ads, self._meter = ads, meter

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
        match scope["path"]:
            case "/reached":
                status, said = await self._reached(asked)
            case "/figures":
                status, said = await self._figures(asked)
            case "/state":
                status, said = 200, self._state()
            case path:
                status, said = 404, {"message": f"there is nothing at {path}"}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(said)})

    async def _reached(self, asked: dict[str, str]) -> tuple[int, JSON]:
        try:
            revision, seconds = int(asked["revision"]), float(asked.get("seconds", 0))
        except (KeyError, ValueError):
            return 400, {"message": "revision must be a whole number, seconds a number"}
        reached = await self._ads.wait_for(revision, seconds=min(max(seconds, 0.0), LONGEST_SECONDS))
        return 200, {"reached": reached, "envoys": self._ads.connected}

    async def _figures(self, asked: dict[str, str]) -> tuple[int, JSON]:
        try:
            return 200, {"listeners": await self._meter.of(asked.get("elb", ""))}
        except Away as error:
            return 503, {"message": f"Envoy does not answer: {error}"}

    def _state(self) -> JSON:
        rejected = [{"type": type, "name": name, "why": why} for (type, name), why in self._ads.rejected.items()]
        snapshot = self._ads.snapshot
        return {
            "revision": snapshot.revision,
            "reached": self._ads.reached,
            "envoys": self._ads.connected,
            "resources": len(snapshot.resources),
            "rejected": rejected,
        }
