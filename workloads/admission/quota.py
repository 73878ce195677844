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
    """A guard that raises QuotaReached when the account is full. A name that exists is left to the store to refuse:
    "already exists" is what its owner needs to hear."""
    limit = namespace_limit(key.account)

    def guard() -> None:
        have = objects.count("Namespace", account=key.account)
        if have < limit or _exists(key):
            return
        raise QuotaReached(
            f'namespaces "{key.name}" cannot be created: account {key.account} has {have} of {limit} namespaces; '
            "delete one, or ask the operator for a larger quota"
        )

    return guard


def namespace_limit(account: str) -> int:
    own = Account.objects.filter(name=account).values_list("namespace_quota", flat=True).first()
    return int(settings.NAMESPACE_QUOTA) if own is None else own


def _exists(key: Key) -> bool:
    try:
        objects.read(key)
    except objects.Missing:
        return False
    return True
