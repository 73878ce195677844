"""What becomes of a draft of access on its ELB: where it will answer, and who has the port or the path already. By the
rule by which the proxy itself is told (`routing.bindings`), before anything is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.access import NEW, AccessDraft
from workloads.client import JSON, Client
from workloads.kinds import elbs
from workloads.meta.errors import StatusError
from workloads.routing import bindings
from workloads.routing.bindings import Conflict, Listener, Ref

_YOUNGEST = {"creationTimestamp": "9999-12-31T23:59:59Z", "uid": ""}
"""Who comes last stands back."""


@dataclass(frozen=True)
class Outlook:
    addresses: tuple[str, ...] = ()
    """To copy; none while the ELB has no address."""
    taken: tuple[str, ...] = ()
    """Sentences: what somebody else has."""


def of(client: Client, draft: AccessDraft, namespace: str) -> Outlook:
    """Nothing for what is not reached from outside, or by an ELB that is still to be made."""
    if not draft.is_public or draft.elb == NEW or not namespace:
        return Outlook()
    wanted = draft.parts(namespace, {})[-1].manifest
    mine = {**wanted, "metadata": {**wanted["metadata"], **_YOUNGEST}}
    known = _list(client, "ELB", None)
    elb, _why = bindings.choose(mine, known)
    if elb is None:
        return Outlook()
    others = [one for one in _exposed(client, namespace, known, elb) if bindings.ref(one) != bindings.ref(mine)]
    conflicts = [*_conflicts(mine, others), *_hidden(mine, others, elb)]
    name = elb["metadata"]["name"]
    return Outlook(_addresses(draft, elbs.address_of(elb)), tuple(_sentence(one, name) for one in conflicts))


def _conflicts(mine: JSON, others: Iterable[JSON]) -> list[Conflict]:
    return [one for one in bindings.bind([*others, mine]).conflicts if one.loser == bindings.ref(mine)]


def _hidden(mine: JSON, others: Iterable[JSON], elb: JSON) -> list[Conflict]:
    """With those that the visitor may not read, and that the ELB's status names. Which hosts and paths they have on a
    port that both would share is not known."""
    seen = {bindings.ref(one) for one in others}
    wanted = {(one.port, _transport(one.protocol)): one for one in bindings.bind([mine]).listeners}
    found = []
    for told in (elb.get("status") or {}).get("listeners") or ():
        listener = wanted.get((told["port"], _transport(told["protocol"])))
        refs = [Ref(one["kind"], one["namespace"], one["name"]) for one in told.get("workloads") or ()]
        owner = next((one for one in refs if one not in seen and one != bindings.ref(mine)), None)
        if listener and owner and not _shared(listener, told["protocol"]):
            found.append(Conflict(bindings.ref(mine), owner, f"{told['port']}/{told['protocol']}"))
    return found


def _transport(protocol: str) -> str:
    return "UDP" if protocol == "UDP" else "TCP"


def _shared(listener: Listener, protocol: str) -> bool:
    return listener.is_http and listener.protocol == protocol


def _exposed(client: Client, namespace: str, known: list[JSON], elb: JSON) -> list[JSON]:
    """What the visitor may read of what is reached by this ELB."""
    found = []
    for kind in ("Service", "Ingress"):
        for obj in _list(client, kind, None) or _list(client, kind, namespace):
            if bindings.is_exposed(obj) and bindings.choose(obj, known)[0] is elb:
                found.append(obj)
    return found


def _list(client: Client, kind: str, scope: str | None) -> list[JSON]:
    selector = "spec.type=LoadBalancer" if kind == "Service" else ""
    try:
        return list(client.list(kind, scope, field_selector=selector).items)
    except StatusError:
        return []


def _addresses(draft: AccessDraft, address: str) -> tuple[str, ...]:
    if draft.by_host:
        return (draft.url_at(address),)
    ports = [draft.elb_port if draft.elb_port and len(draft.ports) == 1 else one.port for one in draft.ports]
    return tuple(f"{address}:{port}" for port in ports if port)


def _sentence(conflict: Conflict, elb: str) -> str:
    said = _(
        "Listener port is repeated: %(what)s of ELB %(elb)s belongs to %(winner)s, which was there first and keeps it. "
        "Choose another ELB port, domain or path, or another ELB."
    )
    return said % {"what": conflict.what, "elb": elb, "winner": conflict.winner}
