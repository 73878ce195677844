"""The mutating admission webhook: it reads a new pod's policy and writes what the scheduler needs to follow it.

It never refuses a pod: what it cannot find out leaves the pod as it is, and is counted. What owners say is kept for
seconds.
Its certificate is its own, kept in a Secret that all replicas share.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from burst import certificates, names, policy
from burst.api import Api, ApiError, Unreachable
from burst.certificates import Bundle
from burst.serving import MOST_BODY, Exchange

JSON = dict[str, Any]

NAME = "cci-burst"
PATH = "/mutate"
OWNER_SECONDS = 5.0
_PROFILES_SECONDS = 60.0
_MOST_OWNERS = 5000
_OWNERS = {
    "ReplicaSet": "replicasets",
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
}
_DEEPEST = 3

log = logging.getLogger(__name__)


class Webhook:
    def __init__(self, cluster: Api, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster, self._clock = cluster, clock
        self._owners: dict[tuple[str, str, str, str], tuple[float, str]] = {}
        """By namespace, kind, name and uid, as the pod says them: until when it is kept, and what it said."""
        self._profiles_from = 0.0
        self.counts: Counter[str] = Counter()
        """Pods by the policy they were given."""
        self.failures = 0

    async def handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.path == "/healthz":
            await exchange.reply(200, "ok")
        elif request.path == "/metrics":
            await exchange.reply(200, self.measures())
        elif (request.method, request.path) == ("POST", PATH):
            await self._review(exchange)
        else:
            await exchange.reply(404, f"the webhook is at {PATH}\n")

    async def answer(self, request: JSON) -> JSON:
        """The `response` for the `request` of an AdmissionReview."""
        pod = request.get("object") or {}
        pod.setdefault("metadata", {}).setdefault("namespace", request.get("namespace") or "")
        response: JSON = {"uid": request["uid"], "allowed": True}
        try:
            chosen, profile = await self._policy(pod)
        except (ApiError, *Unreachable) as error:
            self.failures += 1
            log.warning("a pod is left as it is: %s", error or type(error).__name__)
            return response
        if chosen and chosen not in policy.POLICIES:
            listed = ", ".join(policy.POLICIES)
            response["warnings"] = [f'{names.POLICY_LABEL} "{chosen}" means nothing: it is one of {listed}']
        elif chosen not in ("", policy.OFF) and (why := policy.never(pod)):
            response["warnings"] = [f"{names.POLICY_LABEL} is passed over: {why}"]
        elif operations := policy.operations(pod, chosen) + _costs(pod, profile) + policy.mark(pod, chosen):
            response |= {
                "patchType": "JSONPatch",
                "patch": base64.b64encode(json.dumps(operations).encode()).decode(),
            }
        self.counts[chosen if chosen in policy.POLICIES else "none"] += 1
        return response

    def measures(self) -> str:
        """For Prometheus."""
        lines = ["# TYPE cci_burst_webhook_pods_total counter"]
        lines += [f'cci_burst_webhook_pods_total{{policy="{name}"}} {count}' for name, count in self.counts.items()]
        lines += [
            "# TYPE cci_burst_webhook_failures_total counter",
            f"cci_burst_webhook_failures_total {self.failures}",
        ]
        return "\n".join(lines) + "\n"

    async def _review(self, exchange: Exchange) -> None:
        try:
            review = json.loads(await exchange.body(MOST_BODY))
            request = review["request"]
            request["uid"]
        except (ValueError, KeyError, TypeError):
            self.failures += 1
            await exchange.reply(400, "this is no AdmissionReview\n")
            return
        response = await self.answer(request)
        await exchange.reply_json(
            {"apiVersion": review.get("apiVersion"), "kind": "AdmissionReview", "response": response}
        )

    async def _policy(self, pod: JSON) -> tuple[str, JSON | None]:
        """The pod's own, else its owners', else its ScheduleProfile's, and that one. Raises ApiError."""
        if own := policy.of(pod):
            return own, None
        if theirs := await self._of_owners(pod):
            return theirs, None
        return await self._of_profile(pod)

    async def _of_owners(self, pod: JSON) -> str:
        obj = pod
        for _ in range(_DEEPEST):
            owner = next((one for one in obj["metadata"].get("ownerReferences") or [] if one.get("controller")), None)
            if owner is None or owner["kind"] not in _OWNERS:
                return ""
            key = pod["metadata"]["namespace"], owner["kind"], owner["name"], owner["uid"]
            known = self._owners.get(key)
            if known is not None and known[0] > self._clock():
                return known[1]
            found = await self._cluster.find(_OWNERS[owner["kind"]], pod["metadata"]["namespace"], owner["name"])
            if found is None or found["metadata"]["uid"] != owner["uid"]:
                return ""
            obj = found
            said = policy.of(obj)
            if said or not obj["metadata"].get("ownerReferences"):
                self._remember(key, said)
                return said
        return ""

    async def _of_profile(self, pod: JSON) -> tuple[str, JSON | None]:
        """Nothing where no profile is the pod's, or the cluster has none; whether it has any is asked once a minute."""
        if self._clock() < self._profiles_from:
            return "", None
        namespace = pod["metadata"]["namespace"]
        try:
            profiles, _ = await self._cluster.listed("scheduleprofiles", namespace)
        except ApiError as error:
            if error.status in (403, 404):
                self._profiles_from = self._clock() + _PROFILES_SECONDS
                return "", None
            raise
        profile = policy.matching(profiles, pod)
        if profile is None:
            return "", None
        labels = profile["spec"]["objectLabels"]["matchLabels"]
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        pods, _ = await self._cluster.listed("pods", namespace, labelSelector=selector)
        live = [one for one in pods if (one.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
        there = sum(one["spec"].get("nodeName") == names.NODE for one in live)
        return policy.by_profile(profile, local=len(live) - there, there=there), profile

    def _remember(self, key: tuple[str, str, str, str], said: str) -> None:
        if len(self._owners) >= _MOST_OWNERS:
            self._owners.clear()
        self._owners[key] = self._clock() + OWNER_SECONDS, said


def _costs(pod: JSON, profile: JSON | None) -> list[JSON]:
    costs = policy.deletion_costs(profile) if profile and not policy.never(pod) else None
    return policy.cost_operations(pod, costs) if costs else []


async def certificate(cluster: Api, namespace: str, *hosts: str) -> Bundle:
    """The one that all replicas have; whoever is first makes it. Raises ApiError."""
    found = await cluster.find("secrets", namespace, NAME)
    if found is None:
        bundle = certificates.make(*hosts)
        texts = {"ca.crt": bundle.authority, "tls.crt": bundle.certificate, "tls.key": bundle.key}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": NAME, "namespace": namespace},
            "type": "kubernetes.io/tls",
            "data": {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()},
        }
        try:
            await cluster.create("secrets", secret, namespace=namespace)
            return bundle
        except ApiError as error:
            if not error.conflict:
                raise
        found = await cluster.get("secrets", namespace, NAME)
    data = {name: base64.b64decode(text).decode() for name, text in (found.get("data") or {}).items()}
    return Bundle(data["ca.crt"], data["tls.crt"], data["tls.key"])


async def configure(cluster: Api, client: JSON, authority: str) -> None:
    """The cluster asks the webhook from now on. `client` is its `service` or `url`. Raises ApiError."""
    webhook = {
        "name": "pods.burst.cci.io",
        "admissionReviewVersions": ["v1"],
        "clientConfig": client | {"caBundle": base64.b64encode(authority.encode()).decode()},
        "failurePolicy": "Ignore",
        "matchPolicy": "Equivalent",
        "reinvocationPolicy": "IfNeeded",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "namespaceSelector": {
            "matchExpressions": [
                {
                    "key": "kubernetes.io/metadata.name",
                    "operator": "NotIn",
                    "values": ["kube-system", "kube-node-lease"],
                }
            ]
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    wanted = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [webhook],
    }
    known = await cluster.find("mutatingwebhookconfigurations", name=NAME)
    if known is None:
        await cluster.create("mutatingwebhookconfigurations", wanted)
        return
    wanted["metadata"] = {"name": NAME, "resourceVersion": known["metadata"]["resourceVersion"]}
    if [_told(one) for one in known.get("webhooks") or []] != [_told(webhook)]:
        await cluster.replace("mutatingwebhookconfigurations", wanted, name=NAME)


def _told(webhook: JSON) -> JSON:
    """What of a configuration is the add-on's to say."""
    return {name: webhook.get(name) for name in ("name", "clientConfig", "failurePolicy", "rules", "namespaceSelector")}
