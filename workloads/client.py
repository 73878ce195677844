"""THE FRONT DOOR. kube API, console, controllers and tests come in here and nowhere else.

Every write goes the one way: authorize -> default -> validate -> pod specification -> quota -> budget -> store + log.
A `Client` sees exactly one account: its identity's. Objects are plain dicts as the API shows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from iam.identities import Identity
from workloads.admission import authorize, grid, quota
from workloads.admission.grid import GridRefused, NoSuchRow, Numbered
from workloads.kinds import registry
from workloads.kinds.grids import Grid
from workloads.meta import wire
from workloads.meta.errors import Forbidden, Unavailable
from workloads.meta.keys import Key
from workloads.store import changes, usagehours
from workloads.store.endedpods import Ended
from workloads.store.keptlogs import Kept
from workloads.store.objects import Row
from workloads.store.sieves import Sieve
from workloads.store.usagehours import Hour as UsedHour
from workloads.verbs import (
    deletes,
    gridchanges,
    happenings,
    host,
    images,
    patching,
    proxy,
    reads,
    scales,
    sessions,
    tokens,
    trail,
    writes,
)
from workloads.verbs.calls import (
    JSON,
    NEWEST,
    Answer,
    ContainerFigure,
    DeleteOptions,
    ExecOptions,
    FieldValidation,
    Freshness,
    HostImage,
    Listing,
    LogOptions,
    LogTarget,
    PatchType,
    PodFigures,
    Rows,
    SessionTarget,
    Subresource,
    UsageHistory,
    UsageStep,
    WriteOptions,
)
from workloads.verbs.drafts import loaded
from workloads.verbs.endedpods import EndedPods, expiry
from workloads.verbs.ofpods import OfPods
from workloads.verbs.sessions import Ending, Output, Session, to_port
from workloads.verbs.tokens import Bearer, InvalidToken, bearer
from workloads.verbs.usage import Grain as UsageGrain

EVERYTHING = reads.EVERYTHING

__all__ = (
    "EVERYTHING",
    "JSON",
    "NEWEST",
    "Answer",
    "Bearer",
    "Client",
    "ContainerFigure",
    "DeleteOptions",
    "Ended",
    "EndedPods",
    "Ending",
    "ExecOptions",
    "FieldValidation",
    "Freshness",
    "GridRefused",
    "HostImage",
    "InvalidToken",
    "Kept",
    "Listing",
    "LogOptions",
    "LogTarget",
    "NoSuchRow",
    "Numbered",
    "Output",
    "PatchType",
    "PodFigures",
    "Row",
    "Rows",
    "Session",
    "SessionTarget",
    "Sieve",
    "Subresource",
    "UsageGrain",
    "UsageHistory",
    "UsageStep",
    "UsedHour",
    "WriteOptions",
    "bearer",
    "check_agent",
    "expire_events",
    "expiry",
    "grid_changes",
    "labels_of",
    "open_session",
    "pod_specification_row",
    "pod_specification_rows",
    "pod_specifications",
    "to_port",
)


@dataclass(frozen=True)
class Client(OfPods):
    """The door, opened for one identity. What it tells of pods that run or ran is in `workloads.verbs.ofpods`."""

    identity: Identity
    options: WriteOptions = field(default_factory=WriteOptions)
    from_memory: bool = False
    """Gets and lists are answered from what this process keeps (`watch.cache`) where they can be: no less fresh, and
    for processes that read much."""
    only_visible: bool = False
    """Lists across namespaces leave out what may not be seen, as pages do; else they are whole or refused, as in
    Kubernetes."""

    def get(self, kind: str, name: str, namespace: str = "") -> JSON:
        """Raises NotFound, Forbidden."""
        return loaded(self.get_row(kind, name, namespace))

    def get_row(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        subresource: Subresource = "",
        fresh: Freshness = NEWEST,
    ) -> Row:
        """`get` without parsing: `row.data` is what the API answers. `subresource` is the right that is asked for."""
        return reads.get(
            self.identity,
            kind,
            name,
            namespace,
            subresource=subresource,
            fresh=fresh,
            from_memory=self.from_memory,
        )

    def get_at_once(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        subresource: Subresource = "",
        fresh: Freshness = NEWEST,
    ) -> bytes | None:
        """The `data` of `get_row`, on an event loop: None when it would have to wait, then ask that. Raises
        Forbidden."""
        return reads.at_once(self.identity, kind, name, namespace, subresource=subresource, fresh=fresh)

    def note_denial(
        self, refusal: Forbidden, kind: str, name: str = "", namespace: str = "", *, subresource: str = ""
    ) -> None:
        """For the doors: what they answer with `refusal` is in the audit trail, too. `kind` and the rest are what was
        asked for, or as much of it as is known."""
        trail.of_denial(self.identity, refusal, trail.asked(kind, name, namespace, subresource))

    def get_scale(self, kind: str, name: str, namespace: str = "") -> JSON:
        """The object as `autoscaling/v1 Scale`. Raises NotFound also for kinds that cannot be scaled."""
        return scales.view(registry.kind(kind), loaded(self.get_row(kind, name, namespace, subresource="scale")))

    def may(self, verb: str, kind: str, namespace: str | None = None, *, name: str = "", subresource: str = "") -> bool:
        """Whether `verb` would be allowed, for pages that do not offer what would be refused. `namespace=None` asks for
        all namespaces at once."""
        asked = registry.kind(kind)
        refusal = authorize.verdict(self.identity, asked, verb, namespace=namespace, name=name, subresource=subresource)
        return refusal is None and (verb in authorize.READS or not asked.is_fixed)

    def refusal(
        self, verb: str, kind: str, namespace: str | None = None, *, name: str = "", part: str = ""
    ) -> Forbidden | None:
        """What `verb` would be refused with; None when it would not be. `part` is a subresource."""
        asked = registry.kind(kind)
        return authorize.verdict(self.identity, asked, verb, namespace=namespace, name=name, subresource=part)

    def require(self, verb: str, kind: str, namespace: str | None = None) -> None:
        """For doors that ask before they show a form. Raises Forbidden."""
        if (refusal := self.refusal(verb, kind, namespace)) is not None:
            raise refusal

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        owner_uid: str | None = None,
        limit: int | None = None,
        continue_token: str = "",
        chosen: Sieve = reads.EVERYTHING,
        newest: int | None = None,
    ) -> Listing:
        """`namespace=None` spans the account. A page shows what is there when it is read, `revision` is the first
        page's: a watch from there tells what came between. What `chosen` leaves out is not there; of the others those
        `newest` by their creation alone are parsed, where that is asked for. Raises BadRequest on a bad selector or
        token."""
        found = reads.rows(
            self.identity,
            kind,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            owner_uid=owner_uid,
            limit=limit,
            continue_token=continue_token,
            from_memory=self.from_memory,
            of_one_moment=False,
            only_visible=self.only_visible,
            chosen=chosen,
        )
        rows = found.rows
        if newest is not None:
            rows = sorted(rows, key=lambda row: (row.created, row.key.name), reverse=True)[:newest]
        return Listing([loaded(row) for row in rows], found.revision, found.continue_token, found.remaining)

    def owned(self, kind: str, owners: Mapping[str, str], *, each: int | None = None) -> dict[str, Sequence[JSON]]:
        """By the uid of the owner what it owns of one kind, by name: for lists, which ask for many owners at once.
        `owners` says in which namespace each is; of what one owns it is at most `each`. Raises Forbidden."""
        found = reads.owned(self.identity, kind, owners, each=each)
        return {uid: [loaded(row) for row in rows] for uid, rows in found.items()}

    def newest(self, kind: str, *, limit: int) -> Sequence[JSON]:
        """Of the account, what was written last of what may be seen; in no order. Raises Forbidden."""
        return [wire.load(data) for data in reads.newest(self.identity, kind, limit=limit)]

    def list_rows(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        owner_uid: str | None = None,
        limit: int | None = None,
        continue_token: str = "",
        fresh: Freshness = NEWEST,
    ) -> Rows:
        """`list` without parsing: join each `row.data`. All pages are of the first one's revision. Raises Expired when
        the log does not reach back to it, Timeout for one that is still to come."""
        return reads.rows(
            self.identity,
            kind,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            owner_uid=owner_uid,
            limit=limit,
            continue_token=continue_token,
            fresh=fresh,
            from_memory=self.from_memory,
            only_visible=self.only_visible,
        )

    def count(self, kind: str, namespace: str | None = None) -> int:
        return reads.count(self.identity, kind, namespace, only_visible=self.only_visible)

    def revision(self) -> int:
        """The head of the log: a watch from here sees everything that is written from now on."""
        return changes.head()

    def create(self, kind: str, manifest: JSON, namespace: str = "", *, options: WriteOptions | None = None) -> Answer:
        """Raises Invalid, AlreadyExists, BadRequest, Forbidden, NotFound (no such namespace), QuotaReached."""
        return writes.create(self.identity, kind, manifest, namespace, options or self.options)

    def update(
        self,
        kind: str,
        name: str,
        manifest: JSON,
        namespace: str = "",
        *,
        subresource: Subresource = "",
        options: WriteOptions | None = None,
    ) -> Answer:
        """Replaces spec and metadata, or with `subresource="status"` status alone. With a resourceVersion in the
        manifest it is compare-and-set (Conflict); without, last one wins. An unchanged object writes nothing.
        `scale` takes and answers a Scale; status and finalize are for controllers, but for conditions of a pod that
        are not the service's own."""
        return writes.update(
            self.identity,
            kind,
            name,
            manifest,
            namespace,
            subresource=subresource,
            options=options or self.options,
        )

    def patch(
        self,
        kind: str,
        name: str,
        patch: JSON | Sequence[Any],
        patch_type: PatchType,
        namespace: str = "",
        *,
        subresource: Subresource = "",
        options: WriteOptions | None = None,
    ) -> Answer:
        """Applies the patch to the newest object and retries on races unless the patch pins a resourceVersion.
        `application/apply-patch+yaml` is server-side apply: it makes what is not there, and raises Conflict where
        others manage what it would change, unless `options.force`."""
        return patching.patch(
            self.identity,
            kind,
            name,
            patch,
            patch_type,
            namespace,
            subresource=subresource,
            options=options or self.options,
        )

    def delete(self, kind: str, name: str, namespace: str = "", *, options: DeleteOptions | None = None) -> JSON:
        """Marks or removes. Returns the object as it now is (with deletionTimestamp) or the last state when gone.
        Pods get `deletionGracePeriodSeconds` and are removed by the node tier when their containers have stopped
        (a controller identity with `grace_seconds=0` removes at once). Namespaces likewise by their controller."""
        return deletes.delete(self.identity, kind, name, namespace, options or DeleteOptions())

    def evict(self, name: str, namespace: str, *, options: DeleteOptions | None = None) -> JSON:
        """Deletes a pod as `kubectl drain` asks for it."""
        return deletes.evict(self.identity, name, namespace, options or DeleteOptions())

    def delete_collection(
        self,
        kind: str,
        namespace: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
    ) -> Listing:
        """Deletes all that match, one by one, and lists them as `delete` returned them."""
        return deletes.delete_collection(
            self.identity,
            kind,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            options=options or DeleteOptions(),
        )

    def create_token(
        self, service_account: str, manifest: JSON, namespace: str, *, options: WriteOptions | None = None
    ) -> Answer:
        """Answers a TokenRequest; nothing is stored. Raises NotFound, Invalid, BadRequest, Conflict, Forbidden."""
        return tokens.request(self.identity, service_account, manifest, namespace, options=options or self.options)

    def pod_token(self, pod: JSON, service_account: JSON, audience: str, seconds: int, *, now: datetime) -> str:
        """What a volume of `pod` shows at `now`; for controllers. Raises Refused."""
        name = service_account["metadata"]["name"]
        authorize.only_controllers(self.identity, registry.kind("ServiceAccount"), name, "token")
        account = self.identity.account
        return tokens.for_pod(account, pod, service_account, audience=audience, seconds=seconds, now=now)

    def record_event(
        self, obj: JSON, *, type: Literal["Normal", "Warning"], reason: str, message: str, component: str
    ) -> None:
        """Writes or counts up the Event that `kubectl describe` shows under `obj`. Same (object, reason, message,
        component) folds into one Event with a count. In a namespace that is going or gone, nothing is recorded."""
        happenings.record(self.identity, obj, type=type, reason=reason, message=message, component=component)

    def used_hours(self, kind: str, name: str, namespace: str, *, since: datetime) -> Sequence[UsedHour]:
        """What the pods of a workload that is there really used, hour by hour and container by container, the oldest
        first; kept for a week. Raises NotFound, Forbidden."""
        self.get_row(kind, name, namespace)
        return usagehours.of(self.identity.account, namespace, kind, name, since=since)

    def images(self) -> Sequence[HostImage]:
        """What stands ready on this host, by name, for forms to offer. Empty while the agent is away."""
        return images.on_host(self.identity)

    def images_here(self) -> Sequence[HostImage] | None:
        """The same; None while the agent is away."""
        return images.asked(self.identity)

    def images_used(self) -> Counter[str]:
        """How many pods that are not over name each image, as the host lists it."""
        return images.used(self.identity)

    def host_trouble(self) -> str:
        """Why no pod gets a place at the moment, as a sentence; "" while all is well with the host."""
        return host.trouble()

    def proxy_trouble(self) -> dict[Key, str]:
        """The account's Services and ELBs that the proxy does not take as they are, and why: it goes on with what it
        had. Only of namespaces that may be seen."""
        found = host.rejected(self.identity.account)
        return {key: why for key, why in found.items() if self.may("get", key.kind, key.namespace, name=key.name)}

    def namespace_limit(self) -> int:
        """How many namespaces the account may have."""
        return quota.namespace_limit(self.identity.account)

    def elb_figures(self, name: str) -> Sequence[JSON]:
        """What its listeners are asked now, by port: requests or connections a second, the share that failed,
        latencies, bytes. Takes a second at the first time. Raises NotFound, and Unavailable while the proxy tier is
        away."""
        uid = self.get("ELB", name)["metadata"]["uid"]
        try:
            return proxy.figures(uid)
        except proxy.Away:
            raise Unavailable("the proxy does not tell what it counts: it is starting, or does not run") from None

    def elb_limit(self) -> int:
        """How many ELBs the account may have."""
        return quota.elb_limit(self.identity.account)


async def open_session(target: SessionTarget) -> Session:
    """In an event loop. Raises NotFound, BadRequest, Unavailable. Close it, whatever happens."""
    return await sessions.opened(target)


async def check_agent(target: SessionTarget) -> None:
    """Raises Unavailable when no session could be opened."""
    await sessions.check_agent(target)


def expire_events(now: datetime) -> int:
    """Removes Events of every account that have not recurred for an hour. Returns how many went."""
    return happenings.expire(now)


def pod_specifications() -> Grid:
    """The operator's grid of pod specifications; it belongs to no account."""
    return grid.current()


grid_changes = gridchanges
"""The grid as its operator changes it: a room of its own behind this door."""


def pod_specification_rows() -> list[Numbered]:
    """All rows of the grid that were, are and will be."""
    return grid.history()


def pod_specification_row(number: int) -> Numbered:
    """Raises NoSuchRow."""
    return grid.found(number)


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return dict(obj.get("metadata", {}).get("labels") or {})
