"""Requests that are done once, however often they are sent: the header `Idempotency-Key`.

    Idempotency-Key: 3f0c8a52-nightly

Of one caller, a key stands for one request for 24 hours. What was done is answered again from the table and not done a
second time; what was refused changed nothing, so it is judged anew and its key is free. Another request with a key that
was used is refused, and so is the same one while the first is still at work.

A process that dies between the work and its answer leaves a key of which nobody knows whether the work was done. That
is said, not guessed. Answers that show a secret once are not kept: the repetition learns that it was done.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from console.models import KeptAnswer
from iam.identities import Identity
from workloads.meta.errors import BadRequest, Cause, Conflict, Invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
"""Header of an answer that was given before."""
KEPT = timedelta(hours=24)
AT_WORK = timedelta(minutes=2)
"""A request that has no answer after so long was cut off."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_RULE = "must be 1 to 255 visible characters without spaces, such as a UUID"


def digest_of(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same one. `path` with its query."""
    parts = (method.encode(), path.encode(), body)
    return salted_hmac(
        "console.rest.idempotency", b"\0".join(b"%d %b" % (len(part), part) for part in parts), algorithm="sha256"
    ).hexdigest()


def claim(by: Identity, key: str, request: str) -> KeptAnswer:
    """The row of this request: with a `code` when it was answered before, without when it is the caller's to do now.
    Raises BadRequest for what is no key, Invalid when it stands for another request, Conflict when it is at work."""
    if not _KEY.fullmatch(key):
        raise BadRequest(f"{HEADER}: {_RULE}", causes=(Cause(HEADER, _RULE),))
    now = timezone.now()
    KeptAnswer.objects.filter(account=by.account, user=by.user, key=key, at__lt=now - KEPT).delete()
    mine = KeptAnswer(account=by.account, user=by.user, key=key, request=request, at=now)
    try:
        with transaction.atomic():
            mine.save(force_insert=True)
    except IntegrityError:
        return _judged(KeptAnswer.objects.filter(account=by.account, user=by.user, key=key).first(), request, now)
    return mine


def keep(claimed: KeptAnswer, code: int, body: str) -> None:
    """What was done is told again from now on."""
    KeptAnswer.objects.filter(pk=claimed.pk).update(code=code, body=body)


def release(claimed: KeptAnswer) -> None:
    """Nothing was done: the key is free."""
    KeptAnswer.objects.filter(pk=claimed.pk, code__isnull=True).delete()


def sweep(now: datetime) -> int:
    """Forgets answers older than `KEPT`. Returns how many."""
    return KeptAnswer.objects.filter(at__lt=now - KEPT).delete()[0]


def _judged(found: KeptAnswer | None, request: str, now: datetime) -> KeptAnswer:
    if found is None:  # released between our two looks
        raise _busy()
    if found.request != request:
        rule = "stands for another request already: send that one again as it was, or choose another key"
        raise Invalid(f"{HEADER} {found.key!r} {rule}", causes=(Cause(HEADER, rule),))
    if found.code is not None:
        return found
    if now - found.at > AT_WORK:
        raise Conflict(
            f"the first request with {HEADER} {found.key!r} was cut off before it was answered: look whether it was "
            "done, then use another key"
        )
    raise _busy()


def _busy() -> Conflict:
    return Conflict(f"a request with this {HEADER} is at work: ask again for its answer", retry_after=1)
