"""Is this the person? The one place that compares passwords, for the console and for tokens alike.

Wrong passwords in a row make the next try wait, longer each time, for this login from this address. A person elsewhere
is not locked out by it. Answers take as long for a login that does not exist as for one that does.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import F
from django.utils import timezone

from iam.models import LoginFailures, User

FREE_TRIES = 5
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(minutes=15)
_FORGIVEN_AFTER = timedelta(hours=1)


class WrongLogin(Exception):
    """No such user in this account, or not this password: which of the two is not told."""

    def __init__(self) -> None:
        super().__init__("The account, the user name or the password is wrong.")


class TooManyTries(Exception):
    """`retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many wrong passwords in a row. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


def check(account: str, user: str, password: str, *, address: str = "") -> User:
    """The user who signs in. `address` is where the request comes from. Raises WrongLogin or TooManyTries."""
    digest = hashlib.sha256("\0".join((account, user, address)).encode()).hexdigest()
    _wait_out(digest)
    person = User.objects.select_related("account").filter(login=f"{account}/{user}", is_active=True).first()
    if person is None:
        make_password(password)
    if person is None or not person.check_password(password):
        _count(digest)
        raise WrongLogin
    LoginFailures.objects.filter(digest=digest).delete()
    return person


def _wait_out(digest: str) -> None:
    failures = LoginFailures.objects.filter(digest=digest).first()
    if failures is None or failures.count < FREE_TRIES:
        return
    wait = min(_FIRST_WAIT * 2 ** min(failures.count - FREE_TRIES, 10), _LONGEST_WAIT)
    left = failures.last + wait - timezone.now()
    if left > timedelta(0):
        raise TooManyTries(int(left.total_seconds()) + 1)


def _count(digest: str) -> None:
    now = timezone.now()
    LoginFailures.objects.filter(last__lt=now - _FORGIVEN_AFTER).delete()
    LoginFailures.objects.get_or_create(digest=digest, defaults={"last": now})
    LoginFailures.objects.filter(digest=digest).update(count=F("count") + 1, last=now)
