"""What a namespace asks of others: that it is there and stays; and what is asked of a namespace: a flavor."""

from __future__ import annotations

from typing import Any

from iam.models import Account
from workloads.kinds import namespaces as kinds
from workloads.kinds.base import Kind
from workloads.meta.errors import Cause, NotFound, Refused
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.objects import Guard, Row

JSON = dict[str, Any]

KIND = "Namespace"
DUPLICATE = "CCI.02.409101"


def of(account: str, name: str) -> Row:
    """Raises NotFound."""
    try:
        return objects.read(Key(account, KIND, "", name))
    except objects.Missing:
        raise NotFound.named("namespaces", name) from None


def living(kind: Kind, key: Key, home: Row | None) -> Row:
    """The namespace that `key` is to be created in, when it may. Raises NotFound or Refused (terminating)."""
    if home is None:
        raise NotFound.named("namespaces", key.namespace)
    if home.deleting:
        raise _terminating(kind, key)
    return home


def still_living(kind: Kind, key: Key) -> Guard:
    """The same question inside the write's transaction: nothing is born into a namespace that is being emptied."""

    def guard() -> None:
        try:
            going = objects.is_deleting(Key(key.account, KIND, "", key.namespace))
        except objects.Missing:
            raise NotFound.named("namespaces", key.namespace) from None
        if going:
            raise _terminating(kind, key)

    return guard


def fill_flavor(namespace: JSON, account: str) -> None:
    """Puts the account's default flavor in, in place, or raises the product's 400s."""
    annotations = namespace["metadata"].setdefault("annotations", {})
    flavor = annotations.get(kinds.FLAVOR) or _default_flavor(account)
    if error := kinds.flavor_error(flavor):
        raise error
    annotations[kinds.FLAVOR] = flavor


def _default_flavor(account: str) -> str:
    own = Account.objects.filter(name=account).values_list("default_flavor", flat=True).first()
    return kinds.GENERAL_COMPUTING if own is None else own


def _terminating(kind: Kind, key: Key) -> Refused:
    cause = Cause("metadata.namespace", f"namespace {key.namespace} is being terminated", "NamespaceTerminating")
    why = f"unable to create new content in namespace {key.namespace} because it is being terminated"
    return Refused.named(kind.plural, key.name, why, group=kind.group, causes=(cause,))
