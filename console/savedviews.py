"""A person's own named ways to look at a list: its query string, kept on the server."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.utils.translation import gettext as _

from console.models import SavedView
from iam.models import User

MOST = 20
"""Of one person and list."""
LONGEST_NAME = 40
LONGEST_QUERY = 2000


def of(user: User, kind: str) -> list[SavedView]:
    return list(SavedView.objects.filter(user=user, kind=kind).order_by("name"))


def save(user: User, kind: str, name: str, query: str) -> str:
    """Keeps it, in place of another of that name. Returns why not, "" when it is kept."""
    name = " ".join(name.replace("\0", "").split())
    if not name:
        return _("Give the view a name.")
    if len(name) > LONGEST_NAME:
        return _("A view's name has at most %(most)s characters.") % {"most": LONGEST_NAME}
    kept = _kept(query)
    if len(kept) > LONGEST_QUERY:
        return _("There are too many filters for a view.")
    mine = SavedView.objects.filter(user=user, kind=kind)
    if mine.exclude(name=name).count() >= MOST:
        return _("You have %(most)s views of this list already: delete one first.") % {"most": MOST}
    SavedView.objects.update_or_create(user=user, kind=kind, name=name, defaults={"query": kept})
    return ""


def delete(user: User, kind: str, name: str) -> None:
    SavedView.objects.filter(user=user, kind=kind, name=name).delete()


def _kept(query: str) -> str:
    """Without the place in the list."""
    return urlencode([(key, value) for key, value in parse_qsl(query.replace("\0", "")) if key != "continue"])
