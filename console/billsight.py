"""Which lines of the account's bills somebody may see.

Who looks needs the right to bills (`cci:bill:list`), in the account or in some namespaces. Of a namespace they see the
lines when they may list its pods, too: what may not be seen is not told by its cost either. The roles of a namespace
that is gone went with it; for its lines policies alone decide.
"""

from __future__ import annotations

from billing import client as billing
from workloads.client import Client
from workloads.meta.errors import Forbidden

LIST = "cci:bill:list"


def within(client: Client) -> frozenset[str] | None:
    """The namespaces whose lines may be seen; None for all. Raises Forbidden when policies allow it nowhere."""
    identity = client.identity
    if identity.is_service_account:
        raise Forbidden(LIST)
    names = billing.billed_namespaces(identity.account)
    seen = frozenset(name for name in names if _sees(client, name))
    everywhere = identity.may(LIST, None)
    if not seen and not everywhere and not _may_somewhere(client):
        raise Forbidden(LIST)
    return None if everywhere and len(seen) == len(names) else seen


def _sees(client: Client, namespace: str) -> bool:
    return client.identity.may(LIST, namespace) and client.refusal("list", "Pod", namespace) is None


def _may_somewhere(client: Client) -> bool:
    """Of a statement that names namespaces, one may have no usage yet: that is no refusal."""
    try:
        found = client.list("Namespace", limit=500).items
    except Forbidden:
        return False
    return any(client.identity.may(LIST, item["metadata"]["name"]) for item in found)
