"""A token that works: from the cache while it is good, else from the endpoint.

kubectl does not say why it asks. So a token from the cache is checked with its endpoint when that was last done more
than a minute ago, and when the same kubectl asks a second time, which it does only when it was refused with the first.
A token that was revoked is replaced thereby.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from iam.authenticator import cache
from iam.authenticator.cache import Entry
from iam.authenticator.failures import Failure, Unreachable
from iam.authenticator.identities import Identity, Trust

REFRESH_SECONDS = 600.0
"""Before it runs out: a kubectl that starts now may go on for a while."""
CHECK_SECONDS = 60.0
_LONGEST_SECONDS = 24 * 3600.0 + 60


def token(
    address: str, trust: Trust, *, named: str, identity: Callable[[], Identity], caller: int | None = None
) -> Entry:
    """`named` names the identity in the cache; `identity` tells it with its secret, asking for it if need be, and is
    called only when somebody has to sign in. `caller` is kubectl's process, None when it was not kubectl. Raises
    Failure."""
    path = cache.path_of(address, named)
    entry = cache.read(path)
    if entry and _is_fresh(entry) and not _is_doubtful(path, entry, caller):
        return entry
    with cache.lock(path):
        return _renewed(address, trust, path, before=entry, identity=identity)


def new(address: str, trust: Trust, identity: Identity) -> Entry:
    """Whatever is kept. Raises Failure."""
    from iam.authenticator import endpoint

    made = endpoint.fetch(address, trust, identity)
    return Entry(made.token, made.expires, time.time(), made.region)


def _renewed(address: str, trust: Trust, path: str, *, before: Entry | None, identity: Callable[[], Identity]) -> Entry:
    entry = cache.read(path)
    if entry and entry != before and _is_fresh(entry):
        return entry  # somebody else has just renewed it
    if entry and _is_fresh(entry) and _still_good(address, trust, entry):
        checked = entry._replace(checked=time.time())
        cache.write(path, checked)
        return checked
    try:
        made = new(address, trust, identity())
    except Unreachable:
        if entry and 0 < entry.expires - time.time() <= _LONGEST_SECONDS:
            return entry
        raise
    cache.write(path, made)
    return made


def _is_fresh(entry: Entry) -> bool:
    """Not about to run out; one that lasts longer than any token can was written while the clock was elsewhere."""
    return REFRESH_SECONDS < entry.expires - time.time() <= _LONGEST_SECONDS


def _is_doubtful(path: str, entry: Entry, caller: int | None) -> bool:
    if not 0 <= time.time() - entry.checked < CHECK_SECONDS:
        return True
    return caller is not None and cache.seen_before(path, caller)


def _still_good(address: str, trust: Trust, entry: Entry) -> bool:
    """An endpoint that cannot say is taken for yes: kubectl will see for itself."""
    from iam.authenticator import endpoint

    try:
        return endpoint.is_alive(address, trust, entry.token)
    except Failure:
        return True
