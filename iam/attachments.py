"""Which policies a user has, their own and those of their groups. Three questions to the database at most."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Q

from iam.models import Attachment, Policy, User
from iam.policies import SYSTEM

JSON = dict[str, Any]


class Found(NamedTuple):
    groups: tuple[str, ...]
    policies: tuple[str, ...]
    """Names, system policies and the account's own."""
    documents: tuple[JSON, ...]


def of(user: User) -> Found:
    """In order of their names."""
    groups = tuple(user.groups.order_by("name").values_list("name", flat=True))
    attached = Attachment.objects.filter(Q(user=user) | Q(group__members=user))
    names = sorted(set(attached.values_list("policy", flat=True)))
    documents = [SYSTEM[name].document for name in names if name in SYSTEM]
    own = [name for name in names if name not in SYSTEM]
    if own:
        asked = Policy.objects.filter(account_id=user.account_id, name__in=own).order_by("name")
        documents += asked.values_list("document", flat=True)
    return Found(groups, tuple(names), tuple(documents))
