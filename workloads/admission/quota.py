"""How many an account may have. Counted inside the write's transaction: two creates cannot both take the last
place."""

from __future__ import annotations

from django.conf import settings

from iam.models import Account
from workloads.meta.errors import QuotaReached
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.objects import Guard


def room_for_namespace(key: Key) -> Guard:
    """A guard that raises QuotaReached when the account is full."""
    return _room(key, namespace_limit(key.account), plural="namespaces", words="namespaces")


def room_for_elb(key: Key) -> Guard:
    """The same of ELBs, those that are made for workloads which name none included."""
    return _room(key, elb_limit(key.account), plural="elbs.networking.cci.io", words="ELBs")


def namespace_limit(account: str) -> int:
    own = Account.objects.filter(name=account).values_list("namespace_quota", flat=True).first()
    return int(settings.NAMESPACE_QUOTA) if own is None else own


def elb_limit(account: str) -> int:
    own = Account.objects.filter(name=account).values_list("elb_quota", flat=True).first()
    return int(settings.ELB_QUOTA) if own is None else own


def _room(key: Key, limit: int, *, plural: str, words: str) -> Guard:
    """A name that exists is left to the store to refuse: "already exists" is what its owner needs to hear."""

    def guard() -> None:
        have = objects.count(key.kind, account=key.account)
        if have < limit or _exists(key):
            return
        raise QuotaReached(
            f'{plural} "{key.name}" cannot be created: account {key.account} has {have} of {limit} {words}; '
            "delete one, or ask the operator for a larger quota"
        )

    return guard


def _exists(key: Key) -> bool:
    try:
        objects.read(key)
    except objects.Missing:
        return False
    return True
