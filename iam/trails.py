"""Reading the trail: what the console's page and the REST API search it by."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from iam.errors import NotAdministrator
from iam.identities import Identity
from iam.models import AuditEntry

ACTION = "iam:audit:list"


def search(
    by: Identity,
    *,
    text: str = "",
    user: str = "",
    outcome: str = "",
    since: datetime | None = None,
    before: datetime | None = None,
    older_than: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """The newest first, of the caller's account alone. `text` is looked for in action, kind, namespace, name, address
    and who; `older_than` is the id of the last entry of the page before. Raises NotAdministrator."""
    if by.is_service_account or not by.may(ACTION):
        raise NotAdministrator(ACTION)
    found = AuditEntry.objects.filter(account=by.account)
    for word in text.split()[:_MOST_WORDS]:
        found = found.filter(_anywhere(word))
    given = {"user": user, "outcome": outcome, "at__gte": since, "at__lt": before, "id__lt": older_than}
    found = found.filter(**{field: value for field, value in given.items() if value})
    return list(found.order_by("-id")[:limit])


_MOST_WORDS = 8
_WHERE = ("user", "action", "kind", "namespace", "name", "address", "message")


def _anywhere(word: str) -> Q:
    asked = Q()
    for field in _WHERE:
        asked |= Q(**{f"{field}__icontains": word})
    return asked
