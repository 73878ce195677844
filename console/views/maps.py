"""The map of a namespace, and of one workload: what leads to what (`console.maps`)."""

from __future__ import annotations

from console import mapping, maps
from console.access import View, Visit
from console.pages import Context, page
from console.views import namespaces
from console.views.cronjobs import CRONJOB
from console.views.deployments import DEPLOYMENT
from console.views.jobs import JOB
from console.views.objects import Noun


@page("map.html", kinds=("Namespace", "Network", *mapping.KINDS))
def of_namespace(visit: Visit, *, namespace: str) -> Context:
    drawing = maps.drawn(mapping.of_namespace(visit.client, namespace))
    return {**namespaces.common(visit, "map"), "drawing": drawing}


def _of(noun: Noun) -> View:
    @page("map.html", kinds=mapping.KINDS)
    def of_workload(visit: Visit, *, namespace: str, name: str) -> Context:
        graph = mapping.of_workload(visit.client, namespace, noun.kind, name)
        return {**noun.on(visit, name, "map"), "drawing": maps.drawn(graph)}

    return of_workload


of_deployment, of_job, of_cronjob = _of(DEPLOYMENT), _of(JOB), _of(CRONJOB)
