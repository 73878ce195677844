"""Get, list, count. Rows are the stored bytes; nothing is parsed that was not asked about."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import orjson

from iam.identities import Identity
from workloads.admission import authorize
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta import selectors
from workloads.meta.errors import BadRequest, Expired, NotFound
from workloads.meta.keys import Key
from workloads.store import changes, objects
from workloads.store.objects import Row
from workloads.verbs import fixed
from workloads.verbs.calls import Rows
from workloads.verbs.drafts import loaded

CHUNK = 2000
"""Rows read at a time while a selector looks for a page's worth."""


def get(identity: Identity, kind_name: str, name: str, namespace: str) -> Row:
    kind = registry.kind(kind_name)
    authorize.check(identity, kind, "get")
    return row(kind, Key(identity.account, kind.name, namespace if kind.namespaced else "", name))


def row(kind: Kind, key: Key) -> Row:
    try:
        return fixed.row(kind, key) if kind.fixed else objects.read(key)
    except objects.Missing:
        raise NotFound.named(kind.plural, key.name, group=kind.group) from None


def count(identity: Identity, kind_name: str, namespace: str | None) -> int:
    kind = registry.kind(kind_name)
    authorize.check(identity, kind, "list")
    if kind.fixed:
        return len(kind.fixed)
    return objects.count(kind.name, account=identity.account, namespace=namespace)


def rows(
    identity: Identity,
    kind_name: str,
    namespace: str | None,
    *,
    label_selector: str = "",
    field_selector: str = "",
    owner_uid: str | None = None,
    limit: int | None = None,
    continue_token: str = "",
) -> Rows:
    kind = registry.kind(kind_name)
    authorize.check(identity, kind, "list")
    query = _query(identity, kind, namespace, label_selector, field_selector, owner_uid)
    place = _place(continue_token, identity.account) if continue_token else None
    if not limit:
        return _all(query, place)
    return _page(query, place, limit)


class _Query(NamedTuple):
    scan: Callable[..., objects.Page]
    keep: Callable[[Row], bool] | None
    """What the store cannot ask; None when it answers everything."""


class _Place(NamedTuple):
    """Where a continue token stands: the revision of the first page, and the key to go on behind."""

    revision: int
    after: tuple[str, str, str]


def _query(
    identity: Identity, kind: Kind, namespace: str | None, label_text: str, field_text: str, owner_uid: str | None
) -> _Query:
    supported = ("metadata.name", "metadata.namespace", *kind.field_selectors)
    try:
        labels = selectors.parse(label_text)
        fields = selectors.parse_fields(field_text, supported)
    except selectors.SelectorError as error:
        raise BadRequest(str(error)) from None
    pinned, name = fields.exact("metadata.namespace"), fields.exact("metadata.name")
    scan = (
        partial(fixed.page, kind, identity.account, name=name)
        if kind.fixed
        else _scanner(
            kind.name,
            account=identity.account,
            namespace=(namespace or pinned) if kind.namespaced else None,
            name=name,
            owner_uid=owner_uid,
        )
    )
    left = [term for term in fields.requirements if not (term.equals and term.field == "metadata.name")]
    if not labels and not left:
        return _Query(scan, None)
    rest = selectors.FieldSelector(tuple(left))
    return _Query(scan, lambda row: labels.matches(row.labels) and _fields_match(kind, rest, row))


def _scanner(kind: str, **terms: str | None) -> Callable[..., objects.Page]:
    def scan(*, after: tuple[str, str, str] | None, limit: int | None) -> objects.Page:
        return objects.scan(
            kind,
            account=terms["account"],
            namespace=terms["namespace"],
            name=terms["name"],
            owner_uid=terms["owner_uid"],
            after=after,
            limit=limit,
        )

    return scan


def _fields_match(kind: Kind, fields: selectors.FieldSelector, row: Row) -> bool:
    """The object is parsed only when a field is asked about that the row does not know."""
    if not fields:
        return True
    known = {"metadata.name": row.key.name, "metadata.namespace": row.key.namespace}
    obj = None if all(term.field in known for term in fields.requirements) else loaded(row)

    def value_of(field: str) -> str:
        return known[field] if obj is None or field in known else kind.field_selectors[field](obj)

    return fields.matches(value_of)


def _all(query: _Query, place: _Place | None) -> Rows:
    page = query.scan(after=place.after if place else None, limit=None)
    found = page.rows if query.keep is None else [row for row in page.rows if query.keep(row)]
    return Rows(found, place.revision if place else page.revision)


def _page(query: _Query, place: _Place | None, limit: int) -> Rows:
    """Scans on until the page is full. Later pages keep the first one's revision: a watch from there replays whatever
    was written between the pages."""
    found: list[Row] = []
    after = place.after if place else None
    revision = place.revision if place else None
    while True:
        page = query.scan(after=after, limit=limit if query.keep is None else CHUNK)
        revision = page.revision if revision is None else revision
        for index, row in enumerate(page.rows):
            after = _position(row)
            if query.keep is None or query.keep(row):
                found.append(row)
            if len(found) == limit:
                left = page.remaining + len(page.rows) - index - 1
                token = _token(revision, after) if left else ""
                return Rows(found, revision, token, left if query.keep is None else 0)
        if not page.remaining or not page.rows:
            return Rows(found, revision)


def _position(row: Row) -> tuple[str, str, str]:
    return row.key.account, row.key.namespace, row.key.name


def _token(revision: int, after: tuple[str, str, str]) -> str:
    """Opaque to callers. The account is not in it: whoever brings the token continues in their own."""
    return base64.urlsafe_b64encode(orjson.dumps([revision, *after[1:]])).decode()


def _place(token: str, account: str) -> _Place:
    try:
        revision, namespace, name = orjson.loads(base64.urlsafe_b64decode(token))
        place = _Place(int(revision), (account, str(namespace), str(name)))
    except (binascii.Error, ValueError, TypeError):
        raise BadRequest("continue key is not valid: it must be one that a list has given") from None
    if place.revision < changes.floor():
        raise Expired("The provided continue parameter is too old: list again from the start")
    return place
