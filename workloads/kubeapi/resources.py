"""The verbs on objects of every kind: from a request to a call of the front door, and from its answer to the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import orjson

from iam.identities import Identity
from workloads.admission import authorize
from workloads.client import Answer, Client, DeleteOptions, Freshness, PatchType, Subresource, WriteOptions
from workloads.kinds import columns
from workloads.kinds.base import Kind
from workloads.kubeapi import authentication, bodies, crowds, listoptions, podlogs, watching
from workloads.kubeapi.authentication import Caller
from workloads.kubeapi.exchange import (
    Outlet,
    Query,
    Reply,
    Request,
    Standing,
    Stream,
    Upgrade,
    json_reply,
    warning_headers,
)
from workloads.kubeapi.negotiation import accepted
from workloads.kubeapi.streaming import forwards, terminals
from workloads.kubeapi.threads import in_thread, short_read, short_write
from workloads.kubeapi.views import EventWriter, View
from workloads.meta.causes import forbidden, invalid, required, shown, too_long, unsupported
from workloads.meta.errors import (
    BadRequest,
    Cause,
    Invalid,
    MethodNotAllowed,
    NotBuilt,
    NotFound,
)

JSON = dict[str, Any]

LONGEST_GRACE = 2**31 - 1
"""Seconds: 68 years. What is longer leads beyond the calendar."""
LONGEST_MANAGER = 128
VALIDATIONS = ("Strict", "Warn", "Ignore")
_APPLY = "application/apply-patch+yaml"
_NOT_BUILT = {
    "proxy": "the proxy to pods is not built yet",
    "ephemeralcontainers": "ephemeral containers are not offered: use kubectl exec, or kubectl debug with --copy-to",
    "resize": "a pod's size cannot be changed in place: change the template of its workload instead",
    "binding": "binding is not offered: the service finds the place for the pod",
}


@dataclass(frozen=True)
class Target:
    """What a path names. `namespace` is None for cluster-scoped kinds and for lists across namespaces."""

    kind: Kind
    api_version: str
    namespace: str | None
    name: str
    subresource: str


@dataclass(frozen=True)
class Call:
    """One request of one caller to one target."""

    request: Request
    caller: Caller
    target: Target

    @property
    def client(self) -> Client:
        return Client(self.caller.identity, from_memory=True)

    @property
    def namespace(self) -> str:
        return self.target.namespace or ""

    @property
    def view(self) -> View:
        """Raises NotAcceptable, BadRequest."""
        shown = accepted(self.request.headers.get("accept", ""))
        include = self.request.query.one_of("includeObject", ("None", "Metadata", "Object"), default="Metadata")
        account = self.caller.identity.account
        return View(self.target.kind, self.target.api_version, shown, include, account)  # type: ignore[arg-type]


Verb = Callable[[Call], Awaitable[Reply | Stream | Upgrade]]


async def answer(request: Request, caller: Caller, target: Target) -> Reply | Stream | Upgrade:
    """Raises StatusError."""
    verb = _verb(request, target)
    return await verb(Call(request, caller, target))


def _verb(request: Request, target: Target) -> Verb:
    if target.subresource:
        request.asked.verb = _ASKED.get(request.method, "")
        return _subresource_verb(request, target)
    table = _ON_OBJECT if target.name else _ON_COLLECTION
    found = table.get("GET" if request.method == "HEAD" else request.method)
    if found is None:
        raise _not_allowed()
    name, verb = found
    if name in ("get", "list") and request.query.flag("watch"):
        name, verb = "watch", _watch
    request.asked.verb = name.upper()
    if name not in target.kind.verbs and not target.kind.is_fixed:  # those say themselves why not
        raise _not_allowed()
    return verb


def _subresource_verb(request: Request, target: Target) -> Verb:
    subresource = target.subresource
    if subresource not in target.kind.subresources:
        if target.kind.name == "Pod" and subresource in _NOT_BUILT:
            raise NotBuilt(_NOT_BUILT[subresource])
        raise NotFound("the server could not find the requested resource")
    table = _ON_SUBRESOURCE.get(subresource, {})
    if request.method not in table:
        raise _not_allowed()
    return table[request.method]


def _not_allowed() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource")


async def _get(call: Call) -> Reply:
    view, target, fresh = call.view, call.target, Freshness(call.request.query.revision("resourceVersion"))
    part = _subresource(target)
    client, what = call.client, (target.kind.name, target.name, call.namespace)
    data = client.get_at_once(*what, subresource=part, fresh=fresh)
    if data is None:
        data = (await short_read(lambda: client.get_row(*what, subresource=part, fresh=fresh))).data
    return await in_thread(lambda: view.one(data)) if view.asks_for_costs else view.one(data)


async def _list(call: Call) -> Reply:
    view, query, fresh = call.view, call.request.query, listoptions.of_list(call.request.query)
    limit, token = query.number("limit"), query.text("continue")

    def listed() -> Reply:
        found = call.client.list_rows(
            call.target.kind.name,
            call.target.namespace,
            label_selector=query.text("labelSelector"),
            field_selector=query.text("fieldSelector"),
            limit=limit or None,
            continue_token=token,
            fresh=fresh,
        )
        return view.many(found)

    return await in_thread(listed)


async def _watch(call: Call) -> Stream:
    query, target = call.request.query, call.target
    writer, order = EventWriter(call.view), watching.order(query)
    labels, fields = query.text("labelSelector"), query.text("fieldSelector")
    if target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={target.name}")))
    identity, kind, namespace = call.caller.identity, target.kind, target.namespace
    await in_thread(
        lambda: watching.check(identity, kind, namespace=namespace, label_selector=labels, field_selector=fields)
    )
    crowd = crowds.watches()
    await crowd.enter(identity.account)
    call.request.asked.sit(partial(crowd.leave, identity.account))
    outlet = Outlet()
    lines = watching.events(
        call.caller,
        writer,
        order,
        outlet,
        kind=target.kind,
        namespace=target.namespace,
        label_selector=labels,
        field_selector=fields,
    )
    check = partial(watching.check, kind=kind, namespace=namespace, label_selector=labels, field_selector=fields)
    return Stream(
        lines,
        stall_seconds=watching.STALLED_SECONDS,
        standing=_standing(call, ("watch", namespace or "", fields), check),
        last_words=lambda error: writer.error(error.body()),
        outlet=outlet,
    )


async def _create(call: Call) -> Reply:
    view, options = call.view, _write_options(call.request, call.target, "CreateOptions")
    manifest, duplicates = await bodies.manifest(call.request, find_duplicates=_looks_closely(options))
    options = replace(options, duplicates=duplicates)
    if call.target.kind.namespaced and call.target.namespace is None:
        plural = call.target.kind.plural
        raise MethodNotAllowed(f"{plural} are created in a namespace: POST to namespaces/<namespace>/{plural}")
    made = await short_write(
        lambda: call.client.create(call.target.kind.name, manifest, call.namespace, options=options)
    )
    return _written(view, made, status=201)


async def _update(call: Call) -> Reply:
    view, options = call.view, _write_options(call.request, call.target, "UpdateOptions")
    manifest, duplicates = await bodies.manifest(call.request, find_duplicates=_looks_closely(options))
    options, subresource = replace(options, duplicates=duplicates), _subresource(call.target)
    target = call.target
    made = await short_write(
        lambda: call.client.update(
            target.kind.name, target.name, manifest, call.namespace, subresource=subresource, options=options
        )
    )
    return _written(_view_of(view, target), made)


async def _patch(call: Call) -> Reply:
    view, request, target = call.view, call.request, call.target
    type = bodies.patch_type(request)
    options = _write_options(request, target, "PatchOptions", also=_patch_problems(request, type))
    patch, duplicates = await bodies.patch(request, type, find_duplicates=_looks_closely(options))
    options, subresource = replace(options, duplicates=duplicates), _subresource(target)
    made = await short_write(
        lambda: call.client.patch(
            target.kind.name, target.name, patch, type, call.namespace, subresource=subresource, options=options
        )
    )
    return _written(_view_of(view, target), made)


async def _delete(call: Call) -> Reply:
    view, target, options = call.view, call.target, await _delete_options(call.request)
    gone = await short_write(lambda: call.client.delete(target.kind.name, target.name, call.namespace, options=options))
    if "deletionTimestamp" in gone["metadata"]:
        return replace(view, account="").one(orjson.dumps(gone))
    return json_reply(_deleted(target.kind, gone))


async def _delete_collection(call: Call) -> Reply:
    query, target, options = call.request.query, call.target, await _delete_options(call.request)
    if target.kind.namespaced and target.namespace is None:
        raise _not_allowed()
    gone = await in_thread(
        lambda: call.client.delete_collection(
            target.kind.name,
            call.namespace,
            label_selector=query.text("labelSelector"),
            field_selector=query.text("fieldSelector"),
            options=options,
        )
    )
    return json_reply(
        {
            "kind": f"{target.kind.name}List",
            "apiVersion": target.api_version,
            "metadata": {"resourceVersion": str(gone.revision)},
            "items": [target.kind.shown(item, target.api_version) for item in gone.items],
        }
    )


async def _get_scale(call: Call) -> Reply:
    target = call.target
    scale = await short_read(lambda: call.client.get_scale(target.kind.name, target.name, call.namespace))
    return _view_of(call.view, target).one(orjson.dumps(scale))


def _deleted(kind: Kind, gone: JSON) -> JSON:
    metadata = gone["metadata"]
    details = {"name": metadata["name"], "kind": kind.plural, "uid": metadata["uid"]}
    if kind.group:
        details["group"] = kind.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _written(view: View, made: Answer, *, status: int = 200) -> Reply:
    headers = warning_headers(made.warnings)
    view = replace(view, account="")  # who writes hears of the price, and waits for no more
    return view.one(made.data, status=201 if made.created else status, headers=headers)


def _view_of(view: View, target: Target) -> View:
    """A Scale has columns of its own."""
    if target.subresource != "scale":
        return view
    kind = replace(target.kind, name="Scale", columns=columns.SCALE)
    return replace(view, kind=kind, api_version=target.kind.api_version)


def _subresource(target: Target) -> Subresource:
    return target.subresource  # type: ignore[return-value]


def _write_options(request: Request, target: Target, kind: str, *, also: Sequence[Cause] = ()) -> WriteOptions:
    """Raises Invalid, as upstream about its `kind`, with what is `also` wrong."""
    query = request.query
    found = [*also, *_dry_run_problems(query), *_manager_problems(query.text("fieldManager"))]
    validation = query.text("fieldValidation") or "Warn"
    if validation not in VALIDATIONS:
        found.append(unsupported("fieldValidation", validation, ("", *sorted(VALIDATIONS))))
    if found:
        raise Invalid.of(kind, "", tuple(found), group="meta.k8s.io")
    return WriteOptions(
        api_version=target.api_version,
        dry_run=bool(query.text("dryRun")),
        field_validation=validation,  # type: ignore[arg-type]
        manager=query.text("fieldManager") or _user_agent(request),
        force=query.flag("force"),
    )


def _patch_problems(request: Request, type: PatchType) -> list[Cause]:
    found = []
    if type != _APPLY and "force" in request.query:
        found.append(forbidden("force", "may not be specified for non-apply patch"))
    if type == _APPLY and not request.query.text("fieldManager"):
        found.append(required("fieldManager", "is required for apply patch"))
    return found


def _dry_run_problems(query: Query) -> list[Cause]:
    asked = query.text("dryRun")
    return [unsupported("dryRun", [asked], ("All",))] if asked not in ("", "All") else []


def _manager_problems(manager: str) -> list[Cause]:
    if len(manager) > LONGEST_MANAGER:
        return [too_long("fieldManager", LONGEST_MANAGER)]
    if manager.isprintable():
        return []
    return [invalid("fieldManager", manager, "should only contain printable characters")]


def _user_agent(request: Request) -> str:
    """Who writes when no manager is named: the program's name, as upstream has it."""
    return request.headers.get("user-agent", "").partition("/")[0][:LONGEST_MANAGER] or "unknown"


def _looks_closely(options: WriteOptions) -> bool:
    return options.field_validation != "Ignore"


async def _delete_options(request: Request) -> DeleteOptions:
    return _options_of(await bodies.options(request), request)


def _options_of(body: JSON, request: Request) -> DeleteOptions:
    """From the body; query parameters count where the body is silent. Raises BadRequest for what cannot be read,
    Invalid for what is no choice."""
    query = request.query
    dry_run = _read_as(body, "dryRun", list) or ([query.text("dryRun")] if query.text("dryRun") else [])
    preconditions = _read_as(body, "preconditions", dict) or {}
    problems = [unsupported("dryRun", dry_run, ("All",))] if set(map(str, dry_run)) - {"All"} else []
    propagation, wrong = _propagation(query, body)
    if problems := [*wrong, *problems]:
        raise Invalid.of("DeleteOptions", "", tuple(problems), group="meta.k8s.io")
    return DeleteOptions(
        grace_seconds=_grace(query, body),
        propagation=propagation,
        uid=_read_as(preconditions, "uid", str),
        resource_version=_read_as(preconditions, "resourceVersion", str),
        dry_run=bool(dry_run),
    )


def _grace(query: Query, body: JSON) -> int | None:
    """As upstream, less than nothing is a second."""
    grace: int | None = _read_as(body, "gracePeriodSeconds", int)
    if grace is None and (said := query.text("gracePeriodSeconds")):
        grace = -1 if said[0] == "-" and said[1:].isdecimal() else query.number("gracePeriodSeconds")
    if grace is None or 0 <= grace <= LONGEST_GRACE:
        return grace
    if grace < 0:
        return 1
    raise BadRequest(f"gracePeriodSeconds must be a whole number of at most {LONGEST_GRACE}")


def _propagation(query: Query, body: JSON) -> tuple[Any, list[Cause]]:
    """The policy, and what is wrong with it."""
    policy = _read_as(body, "propagationPolicy", str)
    policy = (query.text("propagationPolicy") or None) if policy is None else policy
    orphan = _read_as(body, "orphanDependents", bool)
    if orphan is None and "orphanDependents" in query:
        orphan = query.flag("orphanDependents")
    wrong = []
    if orphan is not None and policy is not None:
        wrong.append(
            invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set")
        )
    if policy is not None and policy not in _PROPAGATIONS:
        wrong.append(unsupported("propagationPolicy", policy, (*_PROPAGATIONS, "nil")))
    if orphan is not None:
        return "Orphan" if orphan else "Background", wrong
    return policy, wrong


def _read_as(body: JSON, field: str, type_: type) -> Any:
    """The field's value, None when it is absent. Raises BadRequest when it has another type."""
    value = body.get(field)
    if value is not None and type(value) is not type_:
        raise BadRequest(f"DeleteOptions cannot be read: {field} must be {_TYPES[type_]}, not {shown(value)}")
    return value


_PROPAGATIONS = ("Foreground", "Background", "Orphan")
_TYPES = {int: "a whole number", bool: "true or false", str: "a string", list: "a list", dict: "an object"}


async def _evict(call: Call) -> Reply:
    """A delete that would wait for disruption budgets, if there were any. `kubectl drain` asks so."""
    body, _ = await bodies.manifest(call.request)
    metadata, options = body.get("metadata") or {}, body.get("deleteOptions") or {}
    if body.get("kind", "Eviction") != "Eviction" or not isinstance(metadata, dict) or not isinstance(options, dict):
        raise BadRequest("the body of an eviction must be an Eviction of policy/v1")
    name = call.target.name
    if metadata.get("name", name) != name:
        raise BadRequest(f"name in URL does not match name in Eviction object: {name} {metadata['name']}")
    wanted = _options_of(options, call.request)
    await in_thread(lambda: call.client.evict(name, call.namespace, options=wanted))
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return json_reply(status, status=201)


async def _token(call: Call) -> Reply:
    options = _write_options(call.request, call.target, "CreateOptions")
    manifest, _ = await bodies.manifest(call.request)
    name = call.target.name
    made = await in_thread(lambda: call.client.create_token(name, manifest, call.namespace, options=options))
    return json_reply(made.obj, status=201, headers=(*warning_headers(made.warnings), ("cache-control", "no-store")))


async def _exec(call: Call) -> Upgrade:
    opened = await terminals.exec(call.request, call.client, call.namespace, call.target.name)
    return replace(opened, standing=_standing_on(call, "create"))


async def _attach(call: Call) -> Upgrade:
    opened = await terminals.attach(call.request, call.client, call.namespace, call.target.name)
    return replace(opened, standing=_standing_on(call, "create"))


async def _port_forward(call: Call) -> Upgrade:
    opened = await forwards.answer(call.request, call.client, call.namespace, call.target.name)
    return replace(opened, standing=_standing_on(call, "create"))


async def _log(call: Call) -> Stream:
    opened = await podlogs.answer(call.request, call.client, call.namespace, call.target.name)
    call.request.asked.leave()  # the host counts those that are read
    return replace(opened, standing=_standing_on(call, "get"))


def _standing_on(call: Call, verb: Literal["get", "create"]) -> Standing:
    """Of a stream that is a subresource."""
    kind, name, subresource = call.target.kind, call.target.name, call.target.subresource

    def check(identity: Identity) -> None:
        authorize.check(identity, kind, verb, namespace=call.namespace, name=name, subresource=subresource)

    return _standing(call, (verb, subresource, call.namespace, name), check)


def _standing(call: Call, question: tuple[str, ...], check: Callable[[Identity], None]) -> Standing:
    kind, token = call.target.kind, authentication.token_of(call.request)
    return Standing(token, call.request.address, (kind.group, kind.plural, *question), check)


_ASKED = {"GET": "GET", "HEAD": "GET", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "PATCH", "DELETE": "DELETE"}
_ON_COLLECTION: dict[str, tuple[str, Verb]] = {
    "GET": ("list", _list),
    "POST": ("create", _create),
    "DELETE": ("deletecollection", _delete_collection),
}
_ON_OBJECT: dict[str, tuple[str, Verb]] = {
    "GET": ("get", _get),
    "PUT": ("update", _update),
    "PATCH": ("patch", _patch),
    "DELETE": ("delete", _delete),
}
_ON_SUBRESOURCE: dict[str, dict[str, Verb]] = {
    "status": {"GET": _get, "PUT": _update, "PATCH": _patch},
    "scale": {"GET": _get_scale, "PUT": _update, "PATCH": _patch},
    "finalize": {"PUT": _update},
    "log": {"GET": _log},
    "token": {"POST": _token},
    "eviction": {"POST": _evict},
    "exec": {"GET": _exec, "POST": _exec},
    "attach": {"GET": _attach, "POST": _attach},
    "portforward": {"GET": _port_forward, "POST": _port_forward},
}
