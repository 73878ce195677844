"""Is it there, does it work, which version is it: asked by probes and by kubectl, without a token. In upstream's form:
`/readyz?verbose&exclude=database`, `/readyz/database`."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable

from django.db import connection

from workloads.kinds.schemas import KUBERNETES_VERSION
from workloads.kubeapi.exchange import Reply, Request, json_reply
from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import MethodNotAllowed, NotFound, Unavailable

ROOMS = ("healthz", "livez", "readyz")
_TEXT = "text/plain; charset=utf-8"
_HEADERS = (("x-content-type-options", "nosniff"), ("cache-control", "no-cache, private"))
_log = logging.getLogger(__name__)


async def answer(request: Request, segments: list[str]) -> Reply:
    """Raises NotFound, MethodNotAllowed."""
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    room, *rest = segments
    if room == "version" and not rest:
        return json_reply(_version())
    checks = _CHECKS.get(room, ())
    if not rest and checks:
        return await _all(request, room, checks)
    if len(rest) != 1 or rest[0] not in checks:
        raise NotFound("the server could not find the requested resource")
    problem = await _problem(rest[0])
    if problem:
        return Reply(500, f"internal server error: {problem}\n".encode(), _TEXT, _HEADERS)
    return Reply(200, b"ok", _TEXT, _HEADERS)


def paths() -> list[str]:
    return [path for room, checks in _CHECKS.items() for path in (f"/{room}", *(f"/{room}/{name}" for name in checks))]


async def _all(request: Request, room: str, checks: tuple[str, ...]) -> Reply:
    left_out = request.query.texts("exclude")
    lines, failed = [], False
    for name in checks:
        if name in left_out:
            lines.append(f"[+]{name} excluded: ok")
            continue
        problem = await _problem(name)
        failed = failed or bool(problem)
        lines.append(f"[-]{name} failed: {problem}" if problem else f"[+]{name} ok")
    unknown = ", ".join(f'"{name}"' for name in left_out if name not in checks)
    if unknown:
        lines.append(f"warn: some health checks cannot be excluded: no matches for {unknown}")
    if failed:
        return Reply(500, "\n".join([*lines, f"{room} check failed", ""]).encode(), _TEXT, _HEADERS)
    if "verbose" in request.query:
        return Reply(200, "\n".join([*lines, f"{room} check passed", ""]).encode(), _TEXT, _HEADERS)
    return Reply(200, b"ok", _TEXT, _HEADERS)


async def _problem(name: str) -> str:
    """What is wrong with a part, "" when it works. It is told to anybody, so it is no more than a sentence."""
    try:
        await in_thread(_ASKED[name])
    except Unavailable as error:
        return error.message
    except Exception:
        _log.exception("the check %s failed", name)
        return "reason withheld"
    return ""


def _ask_nothing() -> None:
    """That it was answered is the answer."""


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


_ASKED: dict[str, Callable[[], None]] = {"ping": _ask_nothing, "database": _ask_database}
_CHECKS = {"healthz": ("ping", "database"), "livez": ("ping",), "readyz": ("ping", "database")}


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
