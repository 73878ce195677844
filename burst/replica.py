"""One replica of the add-on: it answers the cluster's API server at any time, and does the node's work as a leader."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from yarl import URL

from burst import certificates, names, serving, webhook
from burst.api import Api, ApiError, Unreachable
from burst.authorization import Authorization
from burst.certificates import Bundle
from burst.credentials import NoCredentials
from burst.csr import ServingCertificate
from burst.election import Election
from burst.heartbeat import Heartbeat
from burst.kubelet import Kubelet
from burst.leader import RETRY_SECONDS, Leader
from burst.node import Place
from burst.options import Options
from burst.translate import Cluster
from burst.webhook import Webhook

JSON = dict[str, Any]

_CLIENTS = ("kube-system", "extension-apiserver-authentication")
"""The ConfigMap in which a cluster tells by which authority its API server's client certificates are known."""

log = logging.getLogger(__name__)


class Replica:
    def __init__(self, given: Options, cluster_api: Api, cci: Api) -> None:
        self._given, self._cluster_api, self._cci = given, cluster_api, cci
        self._cluster = Cluster(given.cluster_id, given.rules, given.api_address)
        self._place = Place(given.address, given.kubelet_port)
        self._webhook = Webhook(cluster_api)
        self._leader: Leader | None = None
        self._learning: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Elects, leads, and stands for election again, until it is cancelled."""
        servers = [await self._serve_kubelet()]
        if self._given.webhook_port:
            servers.append(await self._serve_webhook())
        election = Election(self._cluster_api, self._given.identity, namespace=self._given.lease_namespace)
        try:
            while True:
                heartbeat = Heartbeat(self._cci, self._given.cluster_id, self._given.grace)
                leader = Leader(self._cluster_api, self._cci, self._cluster, self._place, heartbeat)
                leave = leader.node.remove if self._given.remove_node else None
                await election.lead(partial(self._lead, leader), leave)
        finally:
            for task in self._learning:
                task.cancel()
            for server in servers:
                server.close()

    async def _lead(self, leader: Leader) -> None:
        self._leader = leader
        try:
            await leader.run()
        finally:
            self._leader = None

    async def _serve_kubelet(self) -> serving.Server:
        kubelet = Kubelet(
            self._cci,
            self._cluster.namespace,
            Authorization(self._cluster_api),
            wanted=self._wanted,
            there=self._there,
            measures=self._webhook.measures,
        )
        bundle = self._bundle()
        context = certificates.server_context(bundle)
        self._learning.append(asyncio.create_task(self._learn_clients(context)))
        if not self._given.kubelet_certificate:
            asked = ServingCertificate(self._cluster_api, self._place.address, context)
            self._learning.append(asyncio.create_task(asked.run()))
        return await serving.serve(kubelet.handle, host="", port=self._given.kubelet_port, context=context)

    async def _serve_webhook(self) -> serving.Server:
        """Waits until the cluster has taken its certificate and its address."""
        given = self._given
        namespace, name = given.webhook_service.split("/")
        hosts = (f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local", self._place.address)
        host = URL(given.webhook_url).host if given.webhook_url else None
        server: serving.Server | None = None
        while True:
            try:
                bundle = await webhook.certificate(
                    self._cluster_api, given.lease_namespace, *hosts, *([host] if host else [])
                )
                context = certificates.server_context(bundle)
                if server is None:
                    server = await serving.serve(
                        self._webhook.handle, host="", port=given.webhook_port, context=context
                    )
                service: JSON = {"namespace": namespace, "name": name, "path": webhook.PATH, "port": 443}
                client: JSON = {"url": given.webhook_url} if given.webhook_url else {"service": service}
                await webhook.configure(self._cluster_api, client, bundle.authority)
                return server
            except (ApiError, *Unreachable) as error:
                log.warning("the webhook cannot be set up: %s", error or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    def _bundle(self) -> Bundle:
        """Raises NoCredentials."""
        given = self._given
        if not given.kubelet_certificate:
            return certificates.make(self._place.address, names.NODE)
        try:
            return Bundle("", Path(given.kubelet_certificate).read_text(), Path(given.kubelet_key).read_text())
        except OSError as error:
            raise NoCredentials(f"the kubelet's certificate cannot be read: {error}") from error

    async def _learn_clients(self, context: ssl.SSLContext) -> None:
        """Client certificates count from then on; tokens do all the time."""
        if authority := await self._clients():
            certificates.trust_clients(context, authority)

    async def _clients(self) -> str:
        """The authority of the API server's client certificates; "" if the cluster does not say, and tokens count.
        A cluster that is away is asked again until it answers."""
        namespace, name = _CLIENTS
        while True:
            try:
                found = await self._cluster_api.find("configmaps", namespace, name)
                break
            except (ApiError, *Unreachable) as error:
                log.warning("client certificates are not accepted: %s", error or type(error).__name__)
                if isinstance(error, ApiError) and error.status == 403:
                    return ""
                await asyncio.sleep(RETRY_SECONDS)
        return str(((found or {}).get("data") or {}).get("client-ca-file", ""))

    def _wanted(self) -> Iterable[JSON]:
        return self._leader.pods.wanted.objects.values() if self._leader else ()

    def _there(self) -> Iterable[JSON]:
        return self._leader.pods.there.objects.values() if self._leader else ()
