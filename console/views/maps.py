"""The map of a namespace, and of one workload: what leads to what (`console.maps`)."""

from __future__ import annotations

from console import mapping, maps
from console.access import Visit
from console.pages import Context, page
from console.views import cronjobs, deployments, jobs, namespaces


@page("map.html", kinds=("Namespace", "Network", *mapping.KINDS))
def of_namespace(visit: Visit, *, namespace: str) -> Context:
    drawing = maps.drawn(mapping.of_namespace(visit.client, namespace))
    return {**namespaces.common(visit, "map"), "frame_template": "namespaces/frame.html", "drawing": drawing}


@page("map.html", kinds=mapping.KINDS)
def of_deployment(visit: Visit, *, namespace: str, name: str) -> Context:
    return {**deployments.on_every_tab(visit, name, "map"), **_of(visit, "Deployment", name)}


@page("map.html", kinds=mapping.KINDS)
def of_job(visit: Visit, *, namespace: str, name: str) -> Context:
    return {**jobs.on_every_tab(visit, name, "map"), **_of(visit, "Job", name)}


@page("map.html", kinds=mapping.KINDS)
def of_cronjob(visit: Visit, *, namespace: str, name: str) -> Context:
    return {**cronjobs.on_every_tab(visit, name, "map"), **_of(visit, "CronJob", name)}


def _of(visit: Visit, kind: str, name: str) -> Context:
    graph = mapping.of_workload(visit.client, visit.namespace, kind, name)
    return {"frame_template": f"{kind.lower()}s/frame.html", "drawing": maps.drawn(graph)}
