"""A small kube-apiserver in this process, for what ours refuses to a user: Nodes, bindings, a pod's whole status.

It keeps objects, revisions, selectors, merge patches, subresources, watches, graceful deletion and preconditions as
upstream does, and knows no kind but Pod. `away` makes it unreachable; `written` is asked around each write.
"""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from burst.api import Api
from burst.credentials import Credentials

JSON = dict[str, Any]
Where = tuple[str, str, str]
"""Resource, namespace, name."""


class FakeApi:
    def __init__(self) -> None:
        self.objects: dict[Where, JSON] = {}
        self.log: list[tuple[int, str, str, JSON]] = []
        """Revision, resource, type, object."""
        self.revision = 0
        self.away = False
        self.empty = False
        """Lists say that there is nothing, as an API does whose store has been lost."""
        self.requests: list[tuple[str, str]] = []
        self.refuse: dict[tuple[str, str], tuple[int, str, str]] = {}
        """By method and resource: status, reason and message."""
        self.tokens = 0
        self.allowed: Callable[[JSON], bool] = lambda attributes: True
        self.written: Callable[[str], bool] = lambda moment: True
        """Called with "before" and "after" for each write of a client; who says False never hears how it went."""
        self.streams: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}
        """What answers a pod's `log`, `exec` and so on."""
        self._changed = asyncio.Event()
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self._handle)

    # --- what tests do -------------------------------------------------------------------------------------------

    def put(self, resource: str, obj: JSON) -> JSON:
        """As somebody else writes it."""
        obj = copy.deepcopy(obj)
        metadata = obj["metadata"]
        where = resource, metadata.get("namespace", ""), metadata["name"]
        known = self.objects.get(where)
        metadata.setdefault("uid", known["metadata"]["uid"] if known else str(uuid.uuid4()))
        metadata.setdefault("creationTimestamp", _now())
        return self._write(where, obj)

    def change(self, resource: str, namespace: str, name: str, **fields: Any) -> JSON:
        return self.put(resource, _merged(self.objects[(resource, namespace, name)], fields))

    def drop(self, resource: str, namespace: str, name: str) -> None:
        obj = self.objects.pop((resource, namespace, name))
        self._note("DELETED", resource, obj)

    def named(self, resource: str, namespace: str = "") -> dict[str, JSON]:
        return {
            name: obj
            for (kind, its, name), obj in self.objects.items()
            if kind == resource and (not namespace or its == namespace)
        }

    # --- what clients do -----------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        resource, namespace, name, sub = _parsed(request.match_info["path"])
        self.requests.append((request.method, request.match_info["path"]))
        if self.away or (request.method != "GET" and not self.written("before")):
            return _hung_up(request)
        if refusal := self.refuse.get((request.method, resource)):
            return _status(*refusal)
        if sub in self.streams:
            return await self.streams[sub](request)
        if request.method == "GET":
            return await self._read(request, resource, namespace, name)
        body = json.loads(await request.read() or b"{}")
        answer = self._wrote(request.method, resource, namespace, name, sub, body)
        return answer if self.written("after") else _hung_up(request)

    def _wrote(self, method: str, resource: str, namespace: str, name: str, sub: str, body: JSON) -> web.Response:
        if sub == "token":
            return self._token(body)
        if resource.endswith("reviews"):
            return self._review(resource, body)
        where = resource, namespace, name or body.get("metadata", {}).get("name", "")
        match method:
            case "POST":
                return self._create(where, body)
            case "PUT":
                return self._replace(where, body)
            case "PATCH":
                return self._patch(where, body, sub)
            case "DELETE":
                return self._delete(where, body)
        return _status(405, "MethodNotAllowed", method)

    async def _read(self, request: web.Request, resource: str, namespace: str, name: str) -> web.StreamResponse:
        if name:
            obj = self.objects.get((resource, namespace, name))
            return web.json_response(obj) if obj else _status(404, "NotFound", f'{resource} "{name}" not found')
        fits = _selector(request.query, resource, namespace)
        if request.query.get("watch") == "true":
            return await self._watch(request, resource, fits)
        items = [] if self.empty else [obj for where, obj in self.objects.items() if fits(where, obj)]
        return web.json_response({"metadata": {"resourceVersion": str(self.revision)}, "items": items})

    async def _watch(
        self, request: web.Request, resource: str, fits: Callable[[Where, JSON], bool]
    ) -> web.StreamResponse:
        at = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        while not self.away:
            for revision, kind, change, obj in list(self.log):
                if revision <= at or kind != resource or not fits(_where(kind, obj), obj):
                    continue
                await response.write(json.dumps({"type": change, "object": obj}).encode() + b"\n")
            at = self.revision
            changed = self._changed
            await changed.wait()
        if request.transport:
            request.transport.close()
        return response

    def _create(self, where: Where, obj: JSON) -> web.Response:
        if where in self.objects:
            return _status(409, "AlreadyExists", f'{where[0]} "{where[2]}" already exists')
        obj["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": _now()}
        if where[1]:
            obj["metadata"]["namespace"] = where[1]
        if where[0] == "pods":
            obj["status"] = {"phase": "Pending"}
        return web.json_response(self._write(where, obj), status=201)

    def _replace(self, where: Where, obj: JSON) -> web.Response:
        known = self.objects.get(where)
        if known is None:
            return _status(404, "NotFound", where[2])
        given = obj["metadata"].get("resourceVersion")
        if given and given != known["metadata"]["resourceVersion"]:
            return _status(409, "Conflict", "the object has been modified")
        obj["metadata"] = known["metadata"] | obj["metadata"]
        return web.json_response(self._write(where, obj))

    def _patch(self, where: Where, patch: JSON, sub: str) -> web.Response:
        known = self.objects.get(where)
        if known is None:
            return _status(404, "NotFound", where[2])
        metadata = patch.get("metadata") or {}
        for name in ("uid", "resourceVersion"):
            if metadata.get(name) and metadata[name] != known["metadata"][name]:
                return _status(409, "Conflict", "the object has been modified")
        if sub == "status":
            patch = {"status": patch["status"]}
        elif "status" in patch and where[0] in ("pods", "nodes"):
            patch = {name: value for name, value in patch.items() if name != "status"}
        changed = _merged(known, patch)
        return web.json_response(known if changed == known else self._write(where, changed))

    def _delete(self, where: Where, options: JSON) -> web.Response:
        known = self.objects.get(where)
        if known is None:
            return _status(404, "NotFound", where[2])
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted and wanted != known["metadata"]["uid"]:
            return _status(409, "Conflict", "the UID in the precondition does not match")
        grace = options.get("gracePeriodSeconds", 30)
        if where[0] == "pods" and grace and known.get("spec", {}).get("nodeName", "there"):
            at = (datetime.now(UTC) + timedelta(seconds=grace)).strftime("%Y-%m-%dT%H:%M:%SZ")
            fields = {"deletionTimestamp": at, "deletionGracePeriodSeconds": grace}
            return web.json_response(self._write(where, _merged(known, {"metadata": fields})))
        self.drop(*where)
        return web.json_response({"kind": "Status", "status": "Success"})

    def _token(self, body: JSON) -> web.Response:
        self.tokens += 1
        end = datetime.now(UTC) + timedelta(seconds=body["spec"]["expirationSeconds"])
        status = {"token": f"token-{self.tokens}", "expirationTimestamp": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return web.json_response(body | {"status": status}, status=201)

    def _review(self, resource: str, body: JSON) -> web.Response:
        if resource == "tokenreviews":
            token = body["spec"]["token"]
            known = token.startswith("good-")
            user = {"username": token.removeprefix("good-"), "groups": []}
            return web.json_response(body | {"status": {"authenticated": known} | ({"user": user} if known else {})})
        return web.json_response(body | {"status": {"allowed": self.allowed(body["spec"])}}, status=201)

    def _write(self, where: Where, obj: JSON) -> JSON:
        known = self.objects.get(where)
        self.objects[where] = obj
        self._note("MODIFIED" if known else "ADDED", where[0], obj)
        return obj

    def _note(self, change: str, resource: str, obj: JSON) -> None:
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        self.log.append((self.revision, resource, change, copy.deepcopy(obj)))
        self.wake()

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@asynccontextmanager
async def serving(fake: FakeApi) -> AsyncIterator[Api]:
    """A client of `fake`."""
    server = TestServer(fake.app)
    await server.start_server()
    try:
        async with Api(credentials(str(server.make_url("")))) as api:
            yield api
    finally:
        fake.away = True
        fake.wake()
        await server.close()


def credentials(url: str) -> Credentials:
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.config.models import Cluster, User

    config = KubeConfig.from_one(cluster=Cluster(server=url), user=User(token="t")).get()
    assert config is not None
    return Credentials(config)


def _parsed(path: str) -> tuple[str, str, str, str]:
    parts = path.split("/")
    metrics = "metrics.k8s.io" in parts
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    resource, name, sub = (*parts, "", "")[:3]
    return "podmetrics" if metrics else resource, namespace, name, sub


def _selector(query: Any, resource: str, namespace: str) -> Callable[[Where, JSON], bool]:
    wanted = [part.partition("=") for part in query.get("labelSelector", "").split(",") if part]
    labels = {name: value for name, sign, value in wanted if sign}
    present = {name for name, sign, _ in wanted if not sign}
    fields = dict(part.split("=") for part in query.get("fieldSelector", "").split(",") if part)

    def fits(where: Where, obj: JSON) -> bool:
        if where[0] != resource or (namespace and where[1] != namespace):
            return False
        given = obj["metadata"].get("labels") or {}
        if not labels.items() <= given.items() or not present <= given.keys():
            return False
        return all(_at(obj, path) == value for path, value in fields.items())

    return fits


def _at(obj: Any, path: str) -> Any:
    for part in path.split("."):
        obj = (obj or {}).get(part)
    return obj


def _merged(obj: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(obj) if isinstance(obj, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif name in ("containers", "initContainers") and isinstance(result.get(name), list):
            news = {one["name"]: one for one in value}
            result[name] = [_merged(one, news.get(one["name"], {})) for one in result[name]]
        else:
            result[name] = _merged(result.get(name), value)
    return copy.deepcopy(result)


def _where(resource: str, obj: JSON) -> Where:
    return resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _status(code: int, reason: str, message: str) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code)


def _hung_up(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.close()
    return web.Response(status=503)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
