"""Is it there, does it work, which version is it: asked by probes and by kubectl, without a token."""

from __future__ import annotations

import platform

from django.db import connection

from workloads.kinds.schemas import KUBERNETES_VERSION
from workloads.kubeapi.exchange import Reply, Request, json_reply
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import MethodNotAllowed, NotFound


async def answer(request: Request, room: str) -> Reply:
    """Raises Unavailable when a part that requests need does not work."""
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    if request.path.strip("/") != room:
        raise NotFound("the server could not find the requested resource")
    if room == "version":
        return json_reply(_version())
    if room != "livez":
        await in_thread(_ask_database)
    if "verbose" in request.query:
        text = f"[+]ping ok\n{'' if room == 'livez' else '[+]database ok' + chr(10)}{room} check passed\n"
        return Reply(200, text.encode(), "text/plain; charset=utf-8")
    return Reply(200, b"ok", "text/plain; charset=utf-8")


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _version() -> dict[str, str]:
    """The version of the API that is spoken, which clients compare with their own."""
    major, minor, _ = KUBERNETES_VERSION.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{KUBERNETES_VERSION}-cci",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system()}/{platform.machine()}".lower(),
    }
