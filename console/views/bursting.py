"""Bursting: the clusters that run pods here, and the manifest that installs the add-on in another one."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _

from billing import client as billing
from console import burstmanifests, burstrows, lists
from console.access import Visit, guarded
from console.pages import Context, page
from iam import kubeconfig as kubeconfigs
from iam import pki
from workloads.client import JSON
from workloads.meta.errors import BadRequest

FILE = "cci-burst.yaml"
_ID = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,50}[a-z0-9])?", re.ASCII)
_FIRST = "my-cluster"


@page("bursting/list.html", kinds=("Namespace", "Lease", "Pod"))
def cluster_list(visit: Visit) -> Context:
    account, names = visit.identity.account, [one["metadata"]["name"] for one in _namespaces(visit)]
    rows = burstrows.clusters(visit.client, names, billing.by_namespace(account))
    meters = [row.meter for row in rows if row.meter is not None]
    together = billing.together(meters)
    return {"section": "bursting", "rows": rows, "together": together, "may_install": _may_install(visit)}


@page("bursting/install.html")
def install(visit: Visit) -> Context:
    cluster = _cluster(visit)
    return {
        "section": "bursting",
        "may_install": _may_install(visit),
        "cluster": cluster or _FIRST,
        "wrong": cluster == "" and "cluster" in visit.request.GET,
        "manifest": _manifest(cluster or _FIRST),
        "apply": f"kubectl apply -f {FILE}",
        "check": "kubectl get node virtual-kubelet\nkubectl -n kube-system logs -l app.kubernetes.io/name=cci-burst",
        "example": "kubectl create deployment web --image=nginx:1.27-alpine --replicas=2\n"
        "kubectl label deployment web virtual-kubelet.io/burst-to-cci=enforce\n"
        "kubectl rollout restart deployment web",
        "file": FILE,
    }


@guarded("GET")
def manifest(visit: Visit) -> HttpResponse:
    """The file itself. Raises BadRequest for an id that is none."""
    cluster = _cluster(visit) if "cluster" in visit.request.GET else _FIRST
    if not cluster:
        raise BadRequest(_("a cluster's id is lower case letters, digits and dashes, at most 52 of them"))
    response = HttpResponse(_manifest(cluster), content_type="application/yaml")
    response["Content-Disposition"] = f'attachment; filename="{FILE}"'
    return response


def _manifest(cluster: str) -> str:
    authority = pki.ensure().ca.read_text()
    server = kubeconfigs.default_server()
    return burstmanifests.install(cluster=cluster, server=server, authority=authority, region=settings.REGION)


def _cluster(visit: Visit) -> str:
    """Nothing for what is no id."""
    asked = visit.request.GET.get("cluster", "").strip()
    return asked if _ID.fullmatch(asked) else ""


def _may_install(visit: Visit) -> bool:
    """The add-on signs in as somebody and makes its namespace and pods: who may not do that can give it nothing."""
    return visit.client.may("create", "Namespace") and visit.client.may("create", "Pod")


def _namespaces(visit: Visit) -> list[JSON]:
    if not visit.client.may("list", "Namespace"):
        return []
    return list(visit.client.list("Namespace", limit=lists.PAGE).items)
