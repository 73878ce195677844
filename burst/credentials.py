"""Who the add-on is for a Kubernetes API: read from a kubeconfig, or from the service account of the pod it runs in.

lightkube reads the files; a token is found anew when the API refuses the one before (a rotated file, an exec plugin).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User, UserExec

_BEFORE_END = timedelta(minutes=1)
_PLUGIN_SECONDS = 60.0
IN_CLUSTER = "in-cluster"
"""Instead of a file: the service account of the pod."""


class NoCredentials(Exception):
    """A sentence for who started the program."""


class Credentials:
    """One user of one API. `token()` is what to send as Bearer, None where a client certificate speaks."""

    def __init__(self, config: SingleConfig) -> None:
        self.server = config.cluster.server.rstrip("/")
        self._user = config.user or User()
        self.ssl = _ssl(config, self._user)
        self._about = _about(config)
        self._token: str | None = None
        self._good_until: datetime | None = None
        self._lock = asyncio.Lock()

    async def token(self, *, refused: str | None = None) -> str | None:
        """`refused`: the one that the API did not accept just now."""
        async with self._lock:
            ended = self._good_until is not None and datetime.now(UTC) > self._good_until - _BEFORE_END
            if self._token is None or ended or self._token == refused:
                await self._find()
            return self._token

    async def _find(self) -> None:
        user = self._user
        if user.exec:
            self._token, self._good_until = await _asked(user.exec, self._about)
        elif user.token_file:
            self._token = Path(user.token_file).read_text().strip()
        else:
            self._token = user.token


def load(path: str) -> Credentials:
    """Of the current context of the kubeconfig at `path`, or of this pod (`in-cluster`). Raises NoCredentials."""
    try:
        config = KubeConfig.from_service_account() if path == IN_CLUSTER else KubeConfig.from_file(path)
        chosen = config.get()
        if chosen is None:
            raise NoCredentials(f"{path} names no current context")
        return Credentials(chosen)
    except NoCredentials:
        raise
    except Exception as error:
        raise NoCredentials(f"{path} cannot be used as a kubeconfig: {error}") from error


def _ssl(config: SingleConfig, user: User) -> ssl.SSLContext | None:
    """None for an API without TLS."""
    if not config.cluster.server.startswith("https:"):
        return None
    context = verify_cluster(config.cluster, user, config.abs_file)
    if config.cluster.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _about(config: SingleConfig) -> dict[str, Any]:
    """The cluster, as an exec plugin is told of it."""
    cluster = config.cluster
    authority = cluster.certificate_auth_data
    if cluster.certificate_auth:
        authority = base64.b64encode(Path(config.abs_file(cluster.certificate_auth)).read_bytes()).decode()
    told: dict[str, Any] = {"server": cluster.server}
    if authority:
        told["certificate-authority-data"] = authority
    if cluster.insecure:
        told["insecure-skip-tls-verify"] = True
    return told


async def _asked(plugin: UserExec, cluster: dict[str, Any]) -> tuple[str, datetime | None]:
    """What the exec plugin says: the token, and until when it is good. Raises NoCredentials."""
    env = dict(os.environ) | {one.name: one.value for one in plugin.env or []}
    spec = {"interactive": False, "cluster": cluster}
    env["KUBERNETES_EXEC_INFO"] = json.dumps({"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": spec})
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *(plugin.args or []),
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NoCredentials(f"{plugin.command} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(_PLUGIN_SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise NoCredentials(f"{plugin.command} gave no token within {_PLUGIN_SECONDS:.0f} seconds") from None
    if process.returncode:
        words = errors.decode(errors="replace").strip()[-500:]
        raise NoCredentials(f"{plugin.command} gave no token (exit code {process.returncode}): {words}")
    try:
        status = json.loads(output)["status"]
        until = status.get("expirationTimestamp")
        return status["token"], datetime.fromisoformat(until) if until else None
    except (ValueError, KeyError, TypeError):
        raise NoCredentials(f"{plugin.command} wrote no ExecCredential with a token") from None
