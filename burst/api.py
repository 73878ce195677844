"""One Kubernetes API as its client sees it: objects as JSON, errors as their `Status` says, watches as they come.

`Api` knows addresses and verbs, and nothing of what the add-on wants with them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import aiohttp
from yarl import URL

from burst.credentials import Credentials, NoCredentials

JSON = dict[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
REQUEST_SECONDS = 30.0
WATCH_SECONDS = 1800
"""How long a watch may be; its connection must say something before."""
_PAGE = 500
_LONGEST_LINE = 16 * 1024 * 1024
_GROUPS = {
    "configmaps": "api/v1",
    "events": "api/v1",
    "namespaces": "api/v1",
    "nodes": "api/v1",
    "pods": "api/v1",
    "resourcequotas": "api/v1",
    "secrets": "api/v1",
    "serviceaccounts": "api/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "tokenreviews": "apis/authentication.k8s.io/v1",
    "subjectaccessreviews": "apis/authorization.k8s.io/v1",
    "certificatesigningrequests": "apis/certificates.k8s.io/v1",
    "mutatingwebhookconfigurations": "apis/admissionregistration.k8s.io/v1",
    "replicasets": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "statefulsets": "apis/apps/v1",
    "jobs": "apis/batch/v1",
    "cronjobs": "apis/batch/v1",
    "podmetrics": "apis/metrics.k8s.io/v1beta1",
    "scheduleprofiles": "apis/scheduling.cci.io/v1",
}
_NAMES = {"podmetrics": "pods"}
"""Where the address says otherwise than the table."""


class ApiError(Exception):
    """The API refused: `status` is HTTP's, `reason` and `message` are its Status'."""

    def __init__(self, status: int, reason: str, message: str, details: JSON | None = None) -> None:
        self.status, self.reason, self.message = status, reason, message
        self.details = details or {}
        super().__init__(f"{status} {reason}: {message}")

    @property
    def not_found(self) -> bool:
        return self.status == 404

    @property
    def conflict(self) -> bool:
        return self.status == 409

    @property
    def expired(self) -> bool:
        return self.status == 410


class Away(Exception):
    """The API cannot be reached, or answers nonsense."""


Unreachable = (Away, TimeoutError, aiohttp.ClientError, OSError)
"""What to catch where an API that is away is expected."""


def path(resource: str, namespace: str = "", name: str = "", sub: str = "") -> str:
    """`api/v1/namespaces/<namespace>/pods/<name>/<sub>`."""
    parts = [_GROUPS[resource]]
    if namespace:
        parts += ["namespaces", namespace]
    parts.append(_NAMES.get(resource, resource))
    return "/".join([*parts, *(part for part in (name, sub) if part)])


class Api:
    """Open it with `async with`."""

    def __init__(self, credentials: Credentials, *, agent: str = "cci-burst") -> None:
        self.credentials = credentials
        self._agent = agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Api:
        connector = aiohttp.TCPConnector(limit=0, ssl=self.credentials.ssl or True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._agent},
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            trust_env=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.close()

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("an Api is used with `async with`")
        return self._session

    async def get(self, resource: str, namespace: str = "", name: str = "", sub: str = "") -> JSON:
        return await self._call("GET", path(resource, namespace, name, sub))

    async def find(self, resource: str, namespace: str = "", name: str = "") -> JSON | None:
        """None where there is none."""
        try:
            return await self.get(resource, namespace, name)
        except ApiError as error:
            if error.not_found:
                return None
            raise

    async def create(self, resource: str, obj: JSON, *, namespace: str = "", name: str = "", sub: str = "") -> JSON:
        return await self._call("POST", path(resource, namespace, name, sub), body=obj)

    async def replace(self, resource: str, obj: JSON, *, namespace: str = "", name: str = "", sub: str = "") -> JSON:
        return await self._call("PUT", path(resource, namespace, name, sub), body=obj)

    async def patch(
        self, resource: str, patch: JSON, *, name: str, namespace: str = "", sub: str = "", form: str = MERGE
    ) -> JSON:
        return await self._call("PATCH", path(resource, namespace, name, sub), body=patch, form=form)

    async def delete(
        self, resource: str, *, name: str, namespace: str = "", uid: str = "", grace: int | None = None
    ) -> None:
        """Only that life of it whose uid is given; one that is gone already is deleted."""
        options: JSON = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            await self._call("DELETE", path(resource, namespace, name), body=options)
        except ApiError as error:
            if not error.not_found:
                raise

    async def listed(self, resource: str, namespace: str = "", **selectors: str) -> tuple[list[JSON], str]:
        """All of them, page by page, and the revision to watch from."""
        found: list[JSON] = []
        params = {name: value for name, value in selectors.items() if value} | {"limit": str(_PAGE)}
        while True:
            page = await self._call("GET", path(resource, namespace), params=params)
            found += page.get("items") or []
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return found, str(metadata.get("resourceVersion", ""))
            params = params | {"continue": metadata["continue"]}

    async def watch(
        self, resource: str, namespace: str = "", *, since: str, **selectors: str
    ) -> AsyncIterator[tuple[str, JSON]]:
        """(type, object) from `since` on, until the API ends it. Raises ApiError (410: list again)."""
        params = {name: value for name, value in selectors.items() if value}
        params |= {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_SECONDS + 60)
        async with self.open("GET", path(resource, namespace), params=params, timeout=timeout) as response:
            buffer = bytearray()
            async for piece in response.content.iter_any():
                buffer += piece
                while (end := buffer.find(b"\n")) >= 0:
                    line = bytes(buffer[:end])
                    del buffer[: end + 1]
                    if line.strip():
                        yield _event(line)
                if len(buffer) > _LONGEST_LINE:
                    raise Away("a watch sends an object of more than 16 MiB")

    @asynccontextmanager
    async def open(
        self,
        method: str,
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JSON | None = None,
        form: str = "application/json",
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer as a stream. Raises ApiError for refusals."""
        data = None if body is None else json.dumps(body).encode()
        refused = None
        for attempt in (1, 2):
            token = await self._token(refused)
            headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
            if data is not None:
                headers["Content-Type"] = form
            given: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
            url = f"{self.credentials.server}/{address}"
            async with self._open.request(method, url, params=params, data=data, headers=headers, **given) as response:
                if response.status == 401 and attempt == 1 and token:
                    refused = token
                    continue
                if response.status >= 400:
                    raise _error(response.status, await response.read())
                yield response
                return

    @asynccontextmanager
    async def websocket(
        self, address: str, params: list[tuple[str, str]], protocols: tuple[str, ...]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Raises ApiError where the API refuses to open one."""
        token = await self._token(None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.credentials.server}/{address}"
        query = URL(url).with_query(params)
        try:
            socket = await self._open.ws_connect(
                query, headers=headers, protocols=protocols, max_msg_size=0, autoclose=True, compress=0
            )
        except aiohttp.WSServerHandshakeError as error:
            raise ApiError(error.status, "", error.message) from error
        async with socket:
            yield socket

    async def _token(self, refused: str | None) -> str | None:
        """A plugin that gives none now may give one later: its API is away so long."""
        try:
            return await self.credentials.token(refused=refused)
        except NoCredentials as error:
            raise Away(str(error)) from error

    async def _call(
        self,
        method: str,
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JSON | None = None,
        form: str = "application/json",
    ) -> JSON:
        async with self.open(method, address, params=params, body=body, form=form) as response:
            data = await response.read()
        try:
            answer = json.loads(data)
        except ValueError:
            raise Away(f"{method} {address} was answered with no JSON") from None
        if not isinstance(answer, dict):
            raise Away(f"{method} {address} was answered with no object")
        return answer


def _event(line: bytes) -> tuple[str, JSON]:
    try:
        event = json.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, KeyError, TypeError):
        raise Away("a watch sends what is no event") from None
    if kind == "ERROR":
        raise ApiError(int(obj.get("code") or 500), obj.get("reason") or "", obj.get("message") or "")
    return kind, obj


def _error(status: int, data: bytes) -> ApiError:
    try:
        body = json.loads(data)
        return ApiError(status, body.get("reason") or "", body.get("message") or "", body.get("details"))
    except (ValueError, AttributeError):
        return ApiError(status, "", data[:500].decode(errors="replace"))
