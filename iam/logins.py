"""Is this the person? The one place that compares passwords, for the console and for tokens alike.

Guessing gets slow. Wrong passwords are counted, whether the login exists or not, in three ways (`_RULES`); beyond the
free ones the next try waits, longer each time. Somebody who signs in where they have signed in before is not locked out
by strangers' guesses. Answers take as long for a login that does not exist as for one that does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from iam import audit
from iam.audit import Target
from iam.identities import Identity
from iam.models import Account, LoginFailures, LoginPlace, User

FREE_TRIES = 5
"""For one login from one address."""
FREE_TRIES_OF_A_LOGIN = 50
"""From all addresses together, but for those it has signed in from."""
FREE_TRIES_OF_AN_ADDRESS = 100
"""For all logins together: an office, or a proxy, is one address."""

_FAILURES_KEPT = timedelta(days=1)
_PLACES_KEPT = timedelta(days=30)


class WrongLogin(Exception):
    """No such user in this account, or not this password: which of the two is not told."""

    def __init__(self) -> None:
        super().__init__("The account, the user name or the password is wrong.")


class TooManyTries(Exception):
    """`retry_after` is in seconds, `until` the same as a time."""

    def __init__(self, until: datetime, now: datetime) -> None:
        self.retry_after = int((until - now).total_seconds()) + 1
        self.until = now + timedelta(seconds=self.retry_after)
        when = f"in {_words(self.retry_after)}, at {self.until:%H:%M:%S} UTC"
        super().__init__(f"Too many wrong passwords in a row. Try again {when}.")


@dataclass(frozen=True)
class _Rule:
    """After `free` wrong ones the next try waits for `first`, then twice as long each time, `longest` at most. One is
    forgiven for every `leak` that passes without another."""

    free: int
    first: timedelta
    longest: timedelta
    leak: timedelta

    def wait(self, failures: int) -> timedelta:
        if failures < self.free:
            return timedelta(0)
        doubled: int = 2 ** min(failures - self.free, 10)
        return min(self.first * doubled, self.longest)


_PAIR = _Rule(FREE_TRIES, timedelta(seconds=10), timedelta(minutes=15), leak=timedelta(minutes=12))
_LOGIN = _Rule(FREE_TRIES_OF_A_LOGIN, timedelta(minutes=1), timedelta(minutes=15), leak=timedelta(minutes=2))
_ADDRESS = _Rule(FREE_TRIES_OF_AN_ADDRESS, timedelta(seconds=10), timedelta(minutes=1), leak=timedelta(minutes=1))


def check(account: str, user: str, password: str, *, address: str = "") -> User:
    """The user who signs in. `address` is where the request comes from. Raises WrongLogin or TooManyTries."""
    pair = _digest("pair", account, user, address)
    rules = {pair: _PAIR, _digest("address", address): _ADDRESS}
    if not LoginPlace.objects.filter(digest=pair).exists():
        rules[_digest("login", account, user)] = _LOGIN
    before = _count(rules, login=_digest("login", account, user))
    person = User.objects.select_related("account").filter(login=f"{account}/{user}", is_active=True).first()
    if person is None:
        make_password(password)
    if person is None or not person.check_password(password):
        _trail(account, user, address, outcome="failed")
        raise WrongLogin
    _take_back(before, pair)
    User.objects.filter(pk=person.pk).update(last_login=timezone.now())
    _trail(account, user, address, outcome="done")
    return person


def waiting(account: str, users: Iterable[str]) -> dict[str, datetime]:
    """Of `users`, by name, those whose next try must wait at some address: until when, where it is longest."""
    names = {_digest("login", account, user): user for user in users}
    now, found = timezone.now(), dict[str, datetime]()
    for row in LoginFailures.objects.filter(login__in=names):
        rule = _LOGIN if row.digest == row.login else _PAIR
        until = row.last + rule.wait(_left(row, rule, now))
        if until > now:
            name = names[row.login]
            found[name] = max(until, found.get(name, until))
    return found


def forgive(account: str, user: str) -> None:
    """The wrong passwords of a login count no more, from wherever they came. Those of an address do: it is not one
    person's."""
    LoginFailures.objects.filter(login=_digest("login", account, user)).delete()


def _trail(account: str, user: str, address: str, *, outcome: Literal["done", "failed"]) -> None:
    """Who tries to sign in to an account that is not there leaves no trace: it would be nobody's to read."""
    if outcome == "done" or Account.objects.filter(name=account).exists():
        who = Identity(account, user[:64]).came("iam", address=address)
        message = "" if outcome == "done" else "wrong password or no such user"
        audit.record(who, "iam:session:create", Target("User", user[:64]), outcome=outcome, message=message)


def sweep(now: datetime) -> None:
    """What is forgiven anyway, and addresses that were long not signed in from, leave the tables."""
    LoginFailures.objects.filter(last__lt=now - _FAILURES_KEPT).delete()
    LoginPlace.objects.filter(last__lt=now - _PLACES_KEPT).delete()


def _count(rules: dict[str, _Rule], *, login: str) -> dict[str, datetime]:
    """Every try counts as wrong before it is looked at, so that many at once are no way around. Rows are held in one
    order. Returns when the try before each was. Raises TooManyTries, which counts for nothing."""
    with transaction.atomic():
        rows = [
            _held(digest, rules[digest], login="" if rules[digest] is _ADDRESS else login) for digest in sorted(rules)
        ]
        now = max(timezone.now(), *(row.last for row in rows))
        until = max(row.last + rules[row.digest].wait(row.count) for row in rows)
        if until > now:
            raise TooManyTries(until, now)
        for row in rows:
            LoginFailures.objects.filter(digest=row.digest).update(count=row.count + 1, last=now)
    return {row.digest: row.last for row in rows}


def _held(digest: str, rule: _Rule, *, login: str) -> LoginFailures:
    fresh = {"last": timezone.now(), "login": login}
    row, _ = LoginFailures.objects.select_for_update().get_or_create(digest=digest, defaults=fresh)
    row.count = _left(row, rule, timezone.now())
    return row


def _left(row: LoginFailures, rule: _Rule, now: datetime) -> int:
    """Those that are not forgiven yet."""
    passed = max(now - row.last, timedelta(0))  # clocks of processes differ a little
    return int(max(0, row.count - passed // rule.leak))


def _take_back(before: dict[str, datetime], pair: str) -> None:
    """It was right: what was wrong before it, of this login from here, is forgotten; elsewhere it did not count."""
    LoginFailures.objects.filter(digest=pair).delete()
    for digest, last in before.items():
        LoginFailures.objects.filter(digest=digest, count__gt=0).update(count=F("count") - 1, last=last)
    LoginPlace.objects.update_or_create(digest=pair, defaults={"last": timezone.now()})


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _words(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{-(-seconds // 60)} minutes"
