"""What ELBs serve, said where people look: in the status of Services, Ingresses and ELBs, and in Events of those that
were not given what they asked for. `routing.bindings` decides; the proxy tier does it.

One look is at a whole account: which ELB somebody chose, and who was there first, is told by all of it together. A
workload that names no ELB is given the account's default one, which is made when it is first needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from workloads.admission import elbs as admission
from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import elbs, secrets
from workloads.meta import wire
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.routing import bindings, certificates
from workloads.routing.bindings import Bound, Ref
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

COMPONENT = "elb-controller"
LOOK_AGAIN_AT_ONCE = 0.1
LOOK_FOR_ROOM = 60.0
"""Seconds until the default ELB is tried again that could not be made: another account may have given one back."""

NOT_FOUND, NOT_MADE = "ELBNotFound", "ELBCreationFailed"
REPEATED = "ListenerPortRepeated"
BAD_CERTIFICATE = "CertificateInvalid"
NO_BACKEND = "BackendNotFound"
REJECTED = "ProxyRejected"
SERVED = "EnsuredLoadBalancer"
_WAS_SERVED = b'"loadBalancer":{"ingress"'


@dataclass(frozen=True)
class Problem:
    """What somebody asked for and does not have. Told in an Event of `ref`."""

    ref: Ref
    reason: str
    message: str

    def shown(self) -> JSON:
        return {"workload": _reference(self.ref), "reason": self.reason, "message": self.message}


@dataclass
class Account:
    """All that decides who is reached where. `services` are bytes: only backends that are named are looked into."""

    door: Client
    elbs: list[JSON]
    services: dict[tuple[str, str], bytes]
    objects: dict[Ref, JSON]
    """Services and Ingresses that are exposed, and those that were."""
    exposed: list[Ref]
    bound: dict[str, Bound] = field(default_factory=dict)
    """By uid of the ELB."""
    problems: dict[str, list[Problem]] = field(default_factory=dict)
    """By uid of the ELB; "" of those that have none."""


def controller() -> Controller:
    return Controller(
        name="elbs",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: owners.unique(_key(key.account) for key in hands.every_key("ELB", "Ingress", "Service")),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The account's, after a change that may matter: statuses do not, but for what the proxy would not have, and of a
    Service or a TLS Secret that is not exposed itself, only where there are Ingresses."""
    match entry.key.kind:
        case "ELB":
            matters = _changed(entry) or _is_rejected(entry)
        case "Ingress":
            matters = _changed(entry)
        case "Service":
            matters = _changed(entry) and (_is_exposed(entry) or _has_ingresses(entry.key.account))
        case "Secret":
            matters = _is_tls(entry) and _has_ingresses(entry.key.account)
        case _:
            matters = False
    return [_key(entry.key.account)] if matters else []


def reconcile(key: Key) -> Result | None:
    account = _read(hands.client("elbs", key.account))
    try:
        waits = _place(account)
        _find_problems(account)
        _tell(account)
        _write(account)
    except (Conflict, NotFound, AlreadyExists):
        return Result(LOOK_AGAIN_AT_ONCE)
    return Result(LOOK_FOR_ROOM) if waits else None


def _key(account: str) -> Key:
    """The key of an account's ELBs together."""
    return Key(account, "ELB", "", elbs.NAME_OF_DEFAULT)


# What changed


def _changed(entry: Entry) -> bool:
    return entry.previous is None or entry.type == "DELETED" or _asked(entry.data) != _asked(entry.previous)


def _asked(data: bytes) -> Any:
    obj = wire.load(data)
    return obj.get("spec"), obj["metadata"].get("annotations"), bool(obj["metadata"].get("deletionTimestamp"))


def _is_rejected(entry: Entry) -> bool:
    """It is, or was."""
    return any(b'"rejected":' in data or REJECTED.encode() in data for data in (entry.data, entry.previous) if data)


def _is_exposed(entry: Entry) -> bool:
    return any(b'"LoadBalancer"' in data for data in (entry.data, entry.previous) if data)


def _is_tls(entry: Entry) -> bool:
    return secrets.TLS.encode() in entry.data


def _has_ingresses(account: str) -> bool:
    return objects.count("Ingress", account=account) > 0


# From what is written to who is reached where


def _read(door: Client) -> Account:
    account = door.identity.account
    services = objects.scan("Service", account=account).rows
    ingresses = objects.scan("Ingress", account=account).rows
    exposed = admission.exposed(services, ingresses)
    known = {bindings.ref(obj): obj for obj in exposed}
    for row in (*services, *ingresses):
        if _WAS_SERVED in row.data:
            obj = wire.load(row.data)
            known.setdefault(bindings.ref(obj), obj)
    return Account(
        door=door,
        elbs=admission.of_account(account),
        services={(row.key.namespace, row.key.name): row.data for row in services if not row.deleting},
        objects=known,
        exposed=[bindings.ref(obj) for obj in exposed],
    )


def _place(account: Account) -> bool:
    """Gives everybody an ELB, the default one is made if need be. True when that was needed and failed."""
    chosen: dict[str, list[JSON]] = {}
    failed = ""
    for ref in account.exposed:
        elb, why = bindings.choose(account.objects[ref], account.elbs)
        if elb is None and not why and not failed:
            elb, failed = _make_default(account)
        if elb is not None:
            chosen.setdefault(elb["metadata"]["uid"], []).append(account.objects[ref])
            continue
        problem = Problem(ref, NOT_FOUND, why) if why else Problem(ref, NOT_MADE, failed)
        account.problems.setdefault("", []).append(problem)
    for elb in account.elbs:
        uid = elb["metadata"]["uid"]
        account.bound[uid] = bindings.bind(chosen.get(uid, []))
    return bool(failed) and settings.ELB_POOL is not None


def _make_default(account: Account) -> tuple[JSON | None, str]:
    """The ELB, or why it cannot be had. Raises AlreadyExists when somebody was first."""
    manifest = {
        "apiVersion": elbs.KIND.api_version,
        "kind": elbs.KIND.name,
        "metadata": {"name": elbs.NAME_OF_DEFAULT},
    }
    try:
        made = account.door.create(elbs.KIND.name, manifest).obj
    except AlreadyExists:
        raise
    except StatusError as error:
        return None, f"no ELB could be made for it: {error.message}"
    account.elbs.append(made)
    return made, ""


def _find_problems(account: Account) -> None:
    now = datetime.now(UTC)
    by_uid = {elb["metadata"]["uid"]: elb for elb in account.elbs}
    for uid, bound in account.bound.items():
        found = list(_of_rejected(by_uid[uid], bound))
        found += [Problem(one.loser, REPEATED, one.message) for one in bound.conflicts]
        found += _of_certificates(account, bound, now)
        found += _of_backends(account, bound)
        account.problems[uid] = list(dict.fromkeys(found))


def _of_rejected(elb: JSON, bound: Bound) -> Iterator[Problem]:
    """Of listeners that the proxy has not taken as they are wanted."""
    why = elbs.rejection(elb).strip()
    if not why:
        return
    serves = elb["status"][elbs.PROXY].get("serves") or ()
    for listener in bound.listeners:
        if elbs.listener_name(listener.port, listener.protocol) in serves:
            continue
        where = f"{listener.port}/{listener.protocol} of ELB {elb['metadata']['name']}"
        for owner in listener.owners:
            yield Problem(owner, REJECTED, f"the proxy does not take {where} and goes on with what it had: {why}")


def _of_certificates(account: Account, bound: Bound, now: datetime) -> Iterator[Problem]:
    """A Secret is a problem of every Ingress that names it."""
    named = {secret for listener in bound.listeners for secret in listener.certificates.values()}
    for namespace, name in sorted(named):
        key = Key(account.door.identity.account, "Secret", namespace, name)
        wrong = certificates.problem(hands.read(account.door, key), now=now)
        if not wrong:
            continue
        message = f"Secret {namespace}/{name} {wrong}. {_ANYWAY if 'expired' not in wrong else _SHOWN}"
        for ref in account.exposed:
            if ref.kind == "Ingress" and ref.namespace == namespace and name in _secrets(account.objects[ref]):
                yield Problem(ref, BAD_CERTIFICATE, message)


_ANYWAY = "A certificate that was shown before goes on serving; without one, these hosts do not answer on https"
_SHOWN = "It is shown all the same, until there is another"


def _secrets(ingress: JSON) -> set[str]:
    return {tls.get("secretName", "") for tls in ingress["spec"].get("tls") or ()}


def _of_backends(account: Account, bound: Bound) -> Iterator[Problem]:
    routes = (route for one in bound.listeners for routes in one.hosts.values() for route in routes)
    for route in routes:
        if route.backend is None:
            continue
        name, port = f"{route.backend.namespace}/{route.backend.service}", route.backend.port
        data = account.services.get((route.backend.namespace, route.backend.service))
        if data is not None and _has_port(wire.load(data), port):
            continue
        wrong = "does not exist" if data is None else f"has no port {port}"
        message = f"Service {name} {wrong}: requests for {route.path} are answered with 503"
        yield Problem(route.owner, NO_BACKEND, message)


def _has_port(service: JSON, port: str | int) -> bool:
    return any(port in (one.get("name"), one["port"]) for one in service["spec"].get("ports") or ())


# What is said of it


def _tell(account: Account) -> None:
    """Each problem once, and again when it comes back: those that an ELB's status holds have been told. Of who has no
    ELB, Events themselves remember."""
    for elb in account.elbs:
        known = (elb.get("status") or {}).get("problems") or []
        for problem in account.problems[elb["metadata"]["uid"]]:
            if problem.shown() not in known:
                _say(account, problem)
    for problem in account.problems.get("", []):
        if not _was_said(account, problem):
            _say(account, problem)


def _say(account: Account, problem: Problem) -> None:
    obj = account.objects[problem.ref]
    hands.tell(account.door, obj, component=COMPONENT, reason=problem.reason, message=problem.message, type="Warning")


def _was_said(account: Account, problem: Problem) -> bool:
    uid = account.objects[problem.ref]["metadata"]["uid"]
    told = account.door.list("Event", problem.ref.namespace, field_selector=f"involvedObject.uid={uid}").items
    return any(one.get("reason") == problem.reason and one.get("message") == problem.message for one in told)


def _write(account: Account) -> None:
    """Workloads first: an ELB that says whom it serves is right about it."""
    reached = {
        ref: (elbs.address_of(elb), bound.ports_of(ref))
        for elb in account.elbs
        for bound in (account.bound[elb["metadata"]["uid"]],)
        for ref in account.exposed
        if bound.ports_of(ref)
    }
    for ref, obj in account.objects.items():
        if ref in reached:
            _serve(account, obj, *reached[ref])
        elif (obj.get("status") or {}).get("loadBalancer"):
            hands.put_status(account.door, obj, {**obj["status"], "loadBalancer": {}})
    for elb in account.elbs:
        uid = elb["metadata"]["uid"]
        hands.put_status(account.door, elb, _status(elb, account.bound[uid], account.problems[uid]))


def _serve(account: Account, obj: JSON, address: str, listeners: list[bindings.Listener]) -> None:
    ports = [{"port": one.port, "protocol": "UDP" if one.protocol == "UDP" else "TCP"} for one in listeners]
    entry: JSON = {"ip": address, "ports": ports}
    if obj["kind"] == "Service":
        entry["ipMode"] = "VIP"
    before = (obj.get("status") or {}).get("loadBalancer")
    if before == {"ingress": [entry]}:
        return
    where = ", ".join(f"{address}:{one.port} ({one.protocol})" for one in listeners)
    hands.tell(account.door, obj, component=COMPONENT, reason=SERVED, message=f"Reached at {where}")
    hands.put_status(account.door, obj, {**(obj.get("status") or {}), "loadBalancer": {"ingress": [entry]}})


def _status(elb: JSON, bound: Bound, problems: list[Problem]) -> JSON:
    before = elb.get("status") or {}
    status: JSON = {"state": elbs.ACTIVE}
    for kept in ("internalAddress", elbs.PROXY):  # the latter is the traffic process' word
        if before.get(kept):
            status[kept] = before[kept]
    if elb["metadata"].get("deletionTimestamp"):
        status |= {"state": elbs.PENDING, "message": "It is being deleted"}
    elif problems:
        status["message"] = _summed(problems)
    if bound.listeners:
        status["listeners"] = [_listener(one) for one in bound.listeners]
    if problems:
        status["problems"] = [one.shown() for one in problems]
    status["observedGeneration"] = elb["metadata"].get("generation", 1)
    return status


def _summed(problems: list[Problem]) -> str:
    first = f"{problems[0].ref}: {problems[0].message}"
    return first if len(problems) == 1 else f"{first} (and {len(problems) - 1} more)"


def _listener(listener: bindings.Listener) -> JSON:
    told: JSON = {
        "port": listener.port,
        "protocol": listener.protocol,
        "workloads": [_reference(ref) for ref in sorted(listener.owners)],
    }
    if listener.certificates:
        told["certificates"] = sorted({"/".join(secret) for secret in listener.certificates.values()})
    return told


def _reference(ref: Ref) -> JSON:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
