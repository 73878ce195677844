"""The doors that `tests.burst.cluster` opens in its own process before it serves: what a cluster's administrator may do
and a tenant of the service may not.

To write Nodes and webhook configurations, to say where a pod runs (in its manifest, or as a scheduler binds it) and how
it does, to take it away at once. Pods have no grid here, and may ask for nodes. All else is the service's own API.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from iam.identities import MASTERS, Identity
from workloads.admission import fields, ownership, podsizes
from workloads.admission.ownership import Writer
from workloads.kinds import gates, nodes, objectmeta, pods, refusals, registry
from workloads.kinds.base import Kind
from workloads.kubeapi import authentication, bodies, resources
from workloads.kubeapi.authentication import Caller
from workloads.kubeapi.exchange import Reply, json_reply
from workloads.kubeapi.threads import short_write
from workloads.meta.errors import Cause

JSON = dict[str, Any]

ACCOUNT = "cluster"
_OBEYED = replace(Identity.controller("cluster-admin", ACCOUNT), groups=(MASTERS,))
_ON_NODES = ("nodeSelector", "affinity")
"""What may still be written on a pod that scheduling gates hold up."""


def open_all() -> None:
    _obey_the_administrator()
    _read_statuses_closely()
    kinds = registry.kinds()
    kinds["Node"] = replace(
        nodes.KIND,
        is_told=False,
        verbs=Kind.verbs,
        subresources=("status",),
        validate=lambda obj, old: objectmeta.validate(obj),
    )
    kinds["MutatingWebhookConfiguration"] = Kind(
        name="MutatingWebhookConfiguration",
        plural="mutatingwebhookconfigurations",
        group="admissionregistration.k8s.io",
        version="v1",
        schema="io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
        namespaced=False,
        validate=lambda obj, old: objectmeta.validate(obj),
    )
    kinds["Pod"] = replace(pods.KIND, validate=_of_pod, subresources=(*pods.KIND.subresources, "binding"))
    resources._ON_SUBRESOURCE["binding"] = {"POST": _bind}
    refusals.POD_FIELDS = ()
    podsizes.place_to_size = lambda kind, new, old: None


def _obey_the_administrator() -> None:
    """Whoever has all rights writes what elsewhere only the service's own controllers may."""
    known = authentication._caller

    def caller(token: str, address: str) -> Caller:
        found = known(token, address)
        return replace(found, identity=_OBEYED) if found.identity.is_administrator else found

    authentication._caller = caller


def _read_statuses_closely() -> None:
    """The service's own controllers are believed; here a status is what its schema says, to the last field."""
    known = ownership.record_status

    def recorded(kind: Kind, new: JSON, old: JSON, writer: Writer) -> JSON:
        fields.settle(kind, copy.deepcopy(new), mode="Strict")
        return known(kind, new, old, writer)

    ownership.record_status = recorded


def _of_pod(obj: JSON, old: JSON | None) -> list[Cause]:
    """As in the service, but for where a pod runs."""
    if old is not None and gates.are_shut(old):
        free = {name: obj["spec"][name] for name in _ON_NODES if name in obj["spec"]}
        old = old | {"spec": {name: value for name, value in old["spec"].items() if name not in _ON_NODES} | free}
    return [cause for cause in pods.validate(obj, old) if cause.field != "spec.nodeName"]


async def _bind(call: resources.Call) -> Reply:
    """As a scheduler does it."""
    binding, _ = await bodies.manifest(call.request)
    spec = {"spec": {"nodeName": binding["target"]["name"]}}
    status = {"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}}
    place = call.target.name, call.namespace

    def bound() -> None:
        call.client.patch("Pod", place[0], spec, "application/merge-patch+json", place[1])
        call.client.patch("Pod", place[0], status, "application/merge-patch+json", place[1], subresource="status")

    await short_write(bound)
    return json_reply(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, status=201
    )
