"""The logs of all pods of a Deployment, a Job or a CronJob as one: the tab, and its text for following and download.

Who may read the logs of its namespace's pods may read this; while it is followed that is asked again and again
(`console.vigils`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace

import httpx
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from console import cronrows, jobrows, merging, rows, vigils
from console.access import View, Visit, open_visit, still_signed_in
from console.merging import Ask, Found, Merge, Source, Words
from console.pages import Context, page
from console.rows import PodRow
from console.views import logs
from console.views.cronjobs import CRONJOB
from console.views.deployments import DEPLOYMENT
from console.views.jobs import JOB
from console.views.objects import Noun
from iam.identities import identity_of
from workloads.client import JSON, Client, LogOptions, LogTarget
from workloads.meta import times
from workloads.meta.errors import StatusError, Unauthorized

Pods = Callable[[Client, JSON], list[PodRow]]


async def stream(request: HttpRequest, *, kind: str, namespace: str, name: str) -> HttpResponseBase:
    """`container`, `tail`, `since`, `follow`, `timestamps`, `download` as of one pod (`views.logs`). Each line is
    `time pod/container text`."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405)
    reader = _Reader(request, kind, namespace, name)
    try:
        await reader.find()
    except StatusError as refusal:
        return HttpResponse(refusal.message, status=refusal.code, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(reader.chunks(), content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    if request.GET.get("download"):
        response["Content-Disposition"] = f'attachment; filename="{name}.log"'
    return response


stream.guarded = True  # type: ignore[attr-defined]


class _Reader:
    """Of one request."""

    def __init__(self, request: HttpRequest, kind: str, namespace: str, name: str) -> None:
        self._request, self._kind, self._namespace, self._name = request, kind, namespace, name
        self._options = logs.options_of(request)
        self._container = self._options.container
        self._words = _words()

    async def find(self) -> Found:
        """Raises StatusError."""
        return await sync_to_async(self._find)()

    async def _look_again(self) -> Found:
        """For whoever follows, long after the request's own connections were looked after."""
        await sync_to_async(close_old_connections)()
        return await self.find()

    async def chunks(self) -> AsyncIterator[bytes]:
        find = self._look_again if self._options.follow else self.find
        merge = Merge(find, self._opened, self._words, times_shown=self._options.timestamps)
        start = merge.follow if self._options.follow else merge.read
        coming = start(tail=self._options.tail, since=self._options.since)
        question = (self._request.session.session_key or "", self._kind, self._namespace, self._name)
        watched = vigils.over(question, self._refusal_now) if self._options.follow else nullcontext()
        with watched as ended:
            try:
                while (chunk := await logs.next_chunk(coming, ended)) is not None:
                    yield chunk
            except StatusError as refusal:
                yield f"{refusal.message}\n".encode()
            finally:
                await coming.aclose()  # type: ignore[attr-defined]

    def _find(self) -> Found:
        visit = open_visit(self._request, namespace=self._namespace)
        if (refusal := visit.client.refusal("get", "Pod", self._namespace, part="log")) is not None:
            raise refusal
        obj = visit.client.get(self._kind, self._name, self._namespace)
        pods = sorted(_PODS[self._kind](visit.client, obj), key=lambda row: (row.ended, row.created, row.name))
        found = [source for row in pods for source in _sources(row.obj, self._container)]
        kept = found[: merging.MOST_SOURCES]
        return Found(kept, more=len(found) - len(kept))

    @asynccontextmanager
    async def _opened(self, source: Source, ask: Ask) -> AsyncIterator[AsyncIterator[bytes]]:
        target = await sync_to_async(self._target)(source)
        client, response = await logs.open_at_agent(replace(target, params=_asked(target, ask)))
        try:
            yield _until_away(response)
        finally:
            await response.aclose()
            await client.aclose()

    def _target(self, source: Source) -> LogTarget:
        visit = open_visit(self._request, namespace=self._namespace)
        pod, _slash, container = source.label.partition("/")
        return visit.client.log_target(self._namespace, pod, LogOptions(container=container, timestamps=True))

    def _refusal_now(self) -> StatusError | None:
        close_old_connections()
        try:
            user = still_signed_in(self._request)
        except Unauthorized as refusal:
            return refusal
        return Client(identity_of(user)).refusal("get", "Pod", self._namespace, part="log")


async def _until_away(response: httpx.Response) -> AsyncIterator[bytes]:
    """An agent that goes away ends the text; it is asked again at the next look."""
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.TransportError:
        return


def _asked(target: LogTarget, ask: Ask) -> dict[str, str]:
    asked = dict(target.params)
    if ask.follow:
        asked["follow"] = "true"
    if ask.tail is not None:
        asked["tail"] = str(ask.tail)
    if ask.since is not None:
        asked["since"] = times.format_micro(ask.since)
    return asked


def _sources(pod: JSON, container: str) -> list[Source]:
    """Its containers that have, or had, a process; all of them or the one that was asked for."""
    status, name = pod.get("status") or {}, pod["metadata"]["name"]
    found = []
    for entry in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state = entry.get("state") or {}
        is_here = "running" in state or "terminated" in state or (entry.get("lastState") or {}).get("terminated")
        if not is_here or (container and entry["name"] != container):
            continue
        label = f"{name}/{entry['name']}"
        life = f"{label} {pod['metadata']['uid']} {entry.get('containerID', '')}"
        found.append(Source(label, life, running="running" in state))
    return found


def _deployment_pods(client: Client, obj: JSON) -> list[PodRow]:
    return [PodRow(pod) for pod in rows.pods_of(client, obj)]


def _job_pods(client: Client, obj: JSON) -> list[PodRow]:
    return list(jobrows.job_row(client, obj, all_pods=True).pods)


def _cronjob_pods(client: Client, obj: JSON) -> list[PodRow]:
    return [pod for job in cronrows.cronjob_row(client, obj, all_pods=True).jobs for pod in job.pods]


_PODS: dict[str, Pods] = {"Deployment": _deployment_pods, "Job": _job_pods, "CronJob": _cronjob_pods}


def _words() -> Words:
    return Words(
        came=_("%(name)s has started."),
        left=_("%(name)s has ended."),
        more=_(
            "These are the logs of the oldest containers that run; %(name)s more are not read here: open their pods."
        ),
        nothing=_("No container has written anything yet. Lines appear here when one does."),
    )


def _tab(noun: Noun, followed: str) -> View:
    @page("workload_logs.html", kinds=(noun.kind, followed))
    def of_workload(visit: Visit, *, namespace: str, name: str) -> Context:
        common = noun.on(visit, name, "logs")
        spec = common["row"].obj["spec"]
        template = (spec["jobTemplate"]["spec"] if noun is CRONJOB else spec)["template"]["spec"]
        names = [one["name"] for one in (*template["containers"], *(template.get("initContainers") or ()))]
        asked = visit.request.GET.get("container", "")
        asked = asked if asked in names else ""
        url = reverse(f"{noun.page}-log-stream", kwargs={"namespace": namespace, "name": name})
        return {**common, "names": names, "container_asked": asked, "stream_url": f"{url}?container={asked}"}

    return of_workload


of_deployment, of_job, of_cronjob = _tab(DEPLOYMENT, "Pod"), _tab(JOB, "Pod"), _tab(CRONJOB, "Job")
