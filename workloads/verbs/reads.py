"""Get, list, count: from the process's cache where the caller wants that, else from the store. Rows are the stored
bytes; nothing is parsed that was not asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from iam.identities import Identity
from workloads.admission import authorize, rbac
from workloads.kinds import registry
from workloads.kinds.base import Kind
from workloads.meta import selectors
from workloads.meta.errors import BadRequest, Cause, Expired, NotFound, Timeout
from workloads.meta.keys import Key
from workloads.store import atonce, changes, objects
from workloads.store.objects import Row
from workloads.store.sieves import Sieve, of_labels
from workloads.verbs import continuing, fixed
from workloads.verbs.calls import NEWEST, Freshness, Rows
from workloads.verbs.drafts import loaded
from workloads.watch.cache import CACHE, row_of
from workloads.watch.tally import TALLY

CHUNK = 2000
"""Rows read at a time while a selector looks for a page's worth."""
EVERYTHING = Sieve()
MOST_UNDONE = 20_000
"""Objects that may have changed since a list began; of more its next page is too old."""
TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


def get(
    identity: Identity,
    kind_name: str,
    name: str,
    namespace: str,
    *,
    subresource: str = "",
    fresh: Freshness = NEWEST,
    from_memory: bool = False,
) -> Row:
    """`subresource` is the right that is asked for, where it is not the object's own. Raises NotFound, Forbidden,
    Timeout (of a revision that is still to come)."""
    kind = registry.kind(kind_name)
    authorize.check(identity, kind, "get", namespace=namespace, name=name, subresource=subresource)
    key = Key(identity.account, kind.name, namespace if kind.namespaced else "", name)
    if fresh.at_least:
        _check_not_ahead(fresh.at_least, changes.head())
    kept = None
    if from_memory and fresh.at_least is not None:  # to ask how new that is costs as much as to read the newest
        kept = CACHE.row(key, at_least=fresh.at_least)
    return kept or row(kind, key)


def at_once(
    identity: Identity, kind_name: str, name: str, namespace: str, *, subresource: str = "", fresh: Freshness = NEWEST
) -> bytes | None:
    """The newest state as `get` gives it, for the event loop: without waiting for anybody. None when that cannot be:
    ask `get`. Raises Forbidden."""
    kind = registry.kind(kind_name)
    if kind.is_fixed or fresh.at_least or not rbac.is_at_hand(identity, namespace):
        return None
    authorize.check(identity, kind, "get", namespace=namespace, name=name, subresource=subresource)
    return atonce.data(Key(identity.account, kind.name, namespace if kind.namespaced else "", name))


def row(kind: Kind, key: Key) -> Row:
    """From the store."""
    try:
        return fixed.row(kind, key) if kind.is_fixed else objects.read(key)
    except objects.Missing:
        raise NotFound.named(kind.plural, key.name, group=kind.group) from None


def count(identity: Identity, kind_name: str, namespace: str | None, *, only_visible: bool = False) -> int:
    kind = registry.kind(kind_name)
    if only_visible and not namespace:
        if (seen := authorize.visible(identity, kind)) is not None:
            return sum(_count_in(kind, identity.account, one) for one in seen)
    else:
        authorize.check(identity, kind, "list", namespace=namespace)
    if kind.is_fixed:
        return fixed.count(kind)
    return TALLY.count(kind.name, account=identity.account, namespace=namespace)


def _count_in(kind: Kind, account: str, namespace: str) -> int:
    """A Namespace is what it is, one."""
    return TALLY.count(kind.name, account=account, namespace=namespace) if kind.namespaced else 1


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
    fresh: Freshness = NEWEST,
    from_memory: bool = False,
    of_one_moment: bool = True,
    verb: authorize.Verb = "list",
    only_visible: bool = False,
    chosen: Sieve = EVERYTHING,
) -> Rows:
    """`verb` is the right that is asked for: deleting a collection needs no other. A list across namespaces that shows
    `only_visible` leaves out what may not be seen; others are whole or refused. What `chosen` leaves out is not there;
    its labels are the selector's.

    Pages `of_one_moment` are of one revision, the first page's, whatever is written between them; others show what
    is there when each is read. Raises BadRequest on a bad selector or token, Expired when the log does not reach back
    to the revision, Timeout when it is to come."""
    kind = registry.kind(kind_name)
    seen = None
    if only_visible and not namespace:
        seen = authorize.visible(identity, kind)
    else:
        authorize.check(identity, kind, verb, namespace=namespace, name=named(kind, field_selector))
    memory = from_memory and not kind.is_fixed and owner_uid is None
    query = _query(identity, kind, namespace, label_selector, field_selector, owner_uid, memory=memory, chosen=chosen)
    query = query._replace(of_one_moment=of_one_moment, keep=_within(seen, query.keep))
    query = query._replace(is_sifted=query.is_sifted and seen is None)
    sealed = continuing.Seal(identity.account, kind.name, namespace or "")
    if continue_token:
        return _page(query, sealed, continuing.opened(continue_token, sealed), limit or None)
    if fresh.exactly is not None:
        return _page(query, sealed, continuing.Place(fresh.exactly, None), limit or None)
    found = _page(query, sealed, None, limit or None)
    if fresh.at_least:
        _check_not_ahead(fresh.at_least, found.revision)
    return found


def owned(
    identity: Identity, kind_name: str, owners: Mapping[str, str], *, each: int | None = None
) -> dict[str, list[Row]]:
    """By the uid of the owner, what it owns of one kind: of many owners at once. `owners` says in which namespace each
    is; `each` is for how many rows of it are wanted at most. By name. Raises Forbidden."""
    kind = registry.kind(kind_name)
    for namespace in sorted(set(owners.values())):
        authorize.check(identity, kind, "list", namespace=namespace)
    found: dict[str, list[Row]] = {uid: [] for uid in owners}
    rows = objects.owned(kind.name, list(owners), account=identity.account, each=each)
    for row in sorted(rows, key=lambda row: (row.key.namespace, row.key.name)):
        if row.key.namespace == owners[row.owner_uid]:
            found[row.owner_uid].append(row)
    return found


def newest(identity: Identity, kind_name: str, *, limit: int) -> list[bytes]:
    """The objects of a kind that were written last and are there, among the last `limit` changes; where the log does
    not reach back so far, others with them. Of what may be seen."""
    kind = registry.kind(kind_name)
    seen, found = authorize.visible(identity, kind), dict[str, bytes | None]()
    entries = changes.newest(kind.name, account=identity.account, limit=limit)
    for entry in entries:
        if seen is None or entry.key.namespace in seen:
            found.setdefault(entry.uid, None if entry.type == "DELETED" else entry.data)
    if len(entries) < limit:
        for row in rows(identity, kind_name, None, limit=limit, of_one_moment=False, only_visible=True).rows:
            found.setdefault(row.uid, row.data)
    return [data for data in found.values() if data is not None]


def _within(seen: frozenset[str] | None, keep: Callable[[Row], bool] | None) -> Callable[[Row], bool] | None:
    """`keep`, of what lies in those namespaces (or is one of them)."""
    if seen is None:
        return keep
    return lambda row: (row.key.namespace or row.key.name) in seen and (keep is None or keep(row))


def _check_not_ahead(wanted: int, head: int) -> None:
    if wanted > head:
        cause = Cause("", "Too large resource version", reason="ResourceVersionTooLarge")
        raise Timeout(f"Too large resource version: {wanted}, current: {head}", causes=(cause,), retry_after=1)


def named(kind: Kind, field_selector: str) -> str:
    """The one name that a field selector asks for, "" for none: a role may allow a list of that one alone."""
    if "metadata.name=" not in field_selector:
        return ""
    try:
        supported = ("metadata.name", "metadata.namespace", *kind.field_selectors)
        return selectors.parse_fields(field_selector, supported).exact("metadata.name") or ""
    except selectors.SelectorError:
        return ""


class _Query(NamedTuple):
    kind: Kind
    account: str
    namespace: str | None
    name: str | None
    scan: Callable[..., objects.Page]
    keep: Callable[[Row], bool] | None
    """What the store cannot ask; None when it answers everything."""
    owner_uid: str | None
    of_one_moment: bool = True
    is_chosen: bool = False
    """Nobody has counted how much remains."""
    is_sifted: bool = False
    """The store has left out all that `keep` leaves out, but for what is taken back."""


def _query(
    identity: Identity,
    kind: Kind,
    namespace: str | None,
    label_text: str,
    field_text: str,
    owner_uid: str | None,
    *,
    memory: bool,
    chosen: Sieve,
) -> _Query:
    supported = ("metadata.name", "metadata.namespace", *kind.field_selectors)
    try:
        labels = selectors.parse(label_text)
        fields = selectors.parse_fields(field_text, supported)
    except selectors.SelectorError as error:
        raise BadRequest(str(error)) from None
    pinned, name = fields.exact("metadata.namespace"), fields.exact("metadata.name")
    within = (namespace or pinned) if kind.namespaced else None
    left = [term for term in fields.requirements if not (term.equals and term.field == "metadata.name")]
    sieve = _sieve(kind, labels, left, chosen)
    scan = (
        partial(_fixed, kind, identity.account, name)
        if kind.is_fixed
        else _scanner(
            kind.name,
            account=identity.account,
            namespace=within,
            name=name,
            owner_uid=owner_uid,
            memory=memory and not chosen,
            sieve=sieve,
        )
    )
    keep: Callable[[Row], bool] | None = None
    if labels or left:
        rest = selectors.FieldSelector(tuple(left))

        def keep(row: Row) -> bool:
            return labels.matches(row.labels) and _fields_match(kind, rest, row)

    is_whole = len(sieve.labels) == len(labels.requirements) and all(term.field == kind.phase_field for term in left)
    is_sifted = is_whole and not memory and not kind.is_fixed
    return _Query(
        kind, identity.account, within, name, scan, keep, owner_uid, is_chosen=bool(sieve), is_sifted=is_sifted
    )


def _sieve(kind: Kind, labels: selectors.Selector, fields: list[selectors.FieldRequirement], chosen: Sieve) -> Sieve:
    """All of it that the store can ask."""
    phases = [term for term in fields if term.field == kind.phase_field]
    return replace(
        chosen,
        labels=of_labels(labels),
        phases=(*chosen.phases, *(term.value for term in phases if term.equals)),
        not_phases=tuple(term.value for term in phases if not term.equals),
    )


def _fixed(
    kind: Kind,
    account: str,
    name: str | None,
    *,
    after: tuple[str, str] | None,
    limit: int | None,
) -> objects.Page:
    return fixed.page(kind, account, name=name, after=(account, *after) if after else None, limit=limit)


def _scanner(
    kind: str,
    *,
    account: str,
    namespace: str | None,
    name: str | None,
    owner_uid: str | None,
    memory: bool,
    sieve: Sieve,
) -> Callable[..., objects.Page]:
    def scan(*, after: tuple[str, str] | None, limit: int | None) -> objects.Page:
        if memory:
            kept = CACHE.page(kind, account=account, namespace=namespace, name=name, after=after, limit=limit)
            if kept is not None:
                return kept
        behind = (account, *after) if after else None
        return objects.scan(
            kind,
            account=account,
            namespace=namespace,
            name=name,
            owner_uid=owner_uid,
            sieve=sieve,
            after=behind,
            limit=limit,
        )

    return scan


def _fields_match(kind: Kind, fields: selectors.FieldSelector, row: Row) -> bool:
    """The object is parsed only when a field is asked about that the row does not know."""
    if not fields:
        return True
    known = {"metadata.name": row.key.name, "metadata.namespace": row.key.namespace}
    if kind.phase_field:
        known[kind.phase_field] = row.phase
    obj = None if all(term.field in known for term in fields.requirements) else loaded(row)

    def value_of(field: str) -> str:
        return known[field] if obj is None or field in known else kind.field_selectors[field](obj)

    return fields.matches(value_of)


def _page(
    query: _Query,
    sealed: continuing.Seal,
    place: continuing.Place | None,
    limit: int | None,
) -> Rows:
    """Scans on until the page is full. What was written since `place`'s revision is taken back."""
    found: list[Row] = []
    after, revision = (place.after, place.revision) if place else (None, None)
    chunk = limit if query.keep is None or query.is_sifted or limit is None else max(limit, CHUNK)
    while True:
        scanned = query.scan(after=after, limit=chunk)
        revision = revision or scanned.revision
        stretch = _as_of(revision, scanned, query, after, sealed)
        whole = query.keep is None and not found and stretch.rows is scanned.rows
        if whole and (stretch.end is None or len(stretch.rows) == limit):
            token = "" if stretch.end is None else continuing.token(sealed, continuing.Place(revision, stretch.end))
            return Rows(stretch.rows, revision, token, 0 if query.is_chosen else stretch.remaining, scanned.joined)
        if query.keep is None and (limit is None or len(found) + len(stretch.rows) < limit):
            found += stretch.rows
            stretch = stretch._replace(rows=[])
        for index, row in enumerate(stretch.rows):
            if query.keep is None or query.keep(row):
                found.append(row)
            if len(found) == limit:
                left = stretch.remaining + len(stretch.rows) - index - 1
                here = row.key.namespace, row.key.name
                token = continuing.token(sealed, continuing.Place(revision, here)) if left > 0 else ""
                return Rows(found, revision, token, max(0, left) if query.keep is None else 0)
        if stretch.end is None:
            return Rows(found, revision)
        after = stretch.end


class _Stretch(NamedTuple):
    """Rows of a list as it was; `end` is where the next stretch begins, None at the list's end."""

    rows: list[Row]
    remaining: int
    end: tuple[str, str] | None


def _as_of(
    revision: int, page: objects.Page, query: _Query, after: tuple[str, str] | None, sealed: continuing.Seal
) -> _Stretch:
    """Raises Expired when the log does not reach back, Timeout when `revision` is still to come."""
    end = (page.rows[-1].key.namespace, page.rows[-1].key.name) if page.rows and page.remaining else None
    if revision == page.revision or query.kind.is_fixed or not query.of_one_moment:
        return _Stretch(page.rows, page.remaining, end)
    _check_not_ahead(revision, page.revision)
    rows = {(row.key.namespace, row.key.name): row for row in page.rows}
    remaining = page.remaining
    for one in _undone(query, since=revision, until=page.revision, after=after, sealed=sealed):
        place = one.namespace, one.name
        if end is not None and place > end:
            remaining += (one.before is not None) - one.is_there
            continue
        rows.pop(place, None)
        if one.before is not None:
            rows[place] = _former(query, one, one.before)
    kept = [rows[place] for place in sorted(rows)]
    return _Stretch([row for row in kept if query.owner_uid in (None, row.owner_uid)], remaining, end)


def _undone(
    query: _Query, *, since: int, until: int, after: tuple[str, str] | None, sealed: continuing.Seal
) -> list[changes.Undone]:
    try:
        found = changes.undone(
            query.kind.name,
            account=query.account,
            namespace=query.namespace,
            since=since,
            until=until,
            limit=MOST_UNDONE,
        )
    except changes.Trimmed:
        if after is None:
            raise Expired("The resourceVersion for the provided list is too old.") from None
        raise Expired(TOO_OLD, continue_token=continuing.token(sealed, continuing.Place(0, after))) from None
    return [
        one for one in found if (after is None or (one.namespace, one.name) > after) and query.name in (None, one.name)
    ]


def _former(query: _Query, one: changes.Undone, data: bytes) -> Row:
    return row_of(Key(query.account, query.kind.name, one.namespace, one.name), data)
