"""Service-account tokens of burst pods: asked of the cluster, put into a Secret in CCI, renewed before they run out."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from burst import names, times
from burst.api import Api
from burst.copies import Copies
from burst.translate import Cluster, Translation

JSON = dict[str, Any]

RENEW_ANNOTATION = "burst.cci.io/renew-at"
ASKED_ANNOTATION = "burst.cci.io/tokens"
_RENEW_AFTER = 0.8
"""Of its life, as a kubelet."""
_AT_THE_LATEST = timedelta(hours=24)


class Tokens:
    def __init__(self, cluster_api: Api, copies: Copies, cluster: Cluster) -> None:
        self._from, self._copies, self._cluster = cluster_api, copies, cluster

    async def ensure(self, pod: JSON, done: Translation) -> float | None:
        """They are in CCI and good. Seconds until they must be renewed; None for a pod without any. Raises ApiError."""
        if not done.tokens:
            return None
        metadata = pod["metadata"]
        name = names.tokens_name(metadata["namespace"], metadata["name"], metadata["uid"])
        asked = json.dumps([[one.key, one.service_account, one.audience, one.seconds] for one in done.tokens])
        if (left := self._left(name, asked)) is not None:
            return left
        data, renewals = {}, []
        for token in done.tokens:
            said = await self._request(pod, token.service_account, token.audience, token.seconds)
            data[token.key] = base64.b64encode(said["token"].encode()).decode()
            renewals.append(_renewal(said.get("expirationTimestamp"), token.seconds))
        renew = min(renewals)
        await self._copies.write(
            "Secret",
            name,
            {"type": "Opaque", "data": data},
            labels={names.NAMESPACE_LABEL: metadata["namespace"], names.UID_LABEL: metadata["uid"]},
            annotations={RENEW_ANNOTATION: times.text(renew), ASKED_ANNOTATION: asked},
        )
        return (renew - times.now()).total_seconds()

    def _left(self, name: str, asked: str) -> float | None:
        """Seconds that what is in CCI is still good for; None when it is not."""
        known = self._copies.there["Secret"].objects.get((self._cluster.namespace, name))
        annotations = (known or {"metadata": {}})["metadata"].get("annotations") or {}
        renew = times.parse(annotations.get(RENEW_ANNOTATION))
        if renew is None or annotations.get(ASKED_ANNOTATION) != asked:
            return None
        left = (renew - times.now()).total_seconds()
        return left if left > 0 else None

    async def _request(self, pod: JSON, account: str, audience: str, seconds: int) -> JSON:
        metadata = pod["metadata"]
        spec: JSON = {
            "expirationSeconds": seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]},
        }
        if audience:
            spec["audiences"] = [audience]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = await self._from.create(
            "serviceaccounts", request, namespace=metadata["namespace"], name=account, sub="token"
        )
        return dict(answer["status"])


def _renewal(until: str | None, seconds: int) -> datetime:
    now = times.now()
    end = times.parse(until) or now + timedelta(seconds=seconds)
    return now + min((end - now) * _RENEW_AFTER, _AT_THE_LATEST)
