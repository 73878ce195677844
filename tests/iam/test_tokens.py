"""A bearer token speaks for its user until it runs out, is revoked, or the user is switched off."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from iam import tokens
from iam.identities import identity_of
from iam.models import Token


def test_a_token_speaks_for_its_user(alice_user):
    issued = tokens.issue(alice_user)
    assert tokens.bearer(issued.token).identity == identity_of(alice_user)


def test_only_the_digest_is_kept(alice_user):
    issued = tokens.issue(alice_user)
    kept = Token.objects.get()
    assert issued.token not in (kept.digest, str(kept), repr(issued))


def test_a_token_is_nobodys_after_24_hours_whatever_was_asked(alice_user):
    issued = tokens.issue(alice_user, lifetime=timedelta(days=30))
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)), pytest.raises(tokens.InvalidToken):
        tokens.bearer(issued.token)


def test_a_revoked_token_is_nobodys(alice_user):
    issued = tokens.issue(alice_user)
    assert tokens.revoke(issued.token)
    assert not tokens.revoke(issued.token)
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(issued.token)


def test_all_tokens_of_a_user_go_at_once(alice_user):
    issued = [tokens.issue(alice_user) for _ in range(3)]
    assert tokens.revoke_all(alice_user) == 3
    for one in issued:
        with pytest.raises(tokens.InvalidToken):
            tokens.bearer(one.token)


def test_the_token_of_a_user_who_is_switched_off_is_nobodys(alice_user):
    issued = tokens.issue(alice_user)
    alice_user.is_active = False
    alice_user.save()
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(issued.token)


@pytest.mark.parametrize("token", ["", "cci-", "cci-made-up", "ü" * 1000])
def test_a_made_up_token_is_nobodys(alice_user, token):
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(token)


def test_dead_tokens_are_swept_when_a_new_one_is_issued(alice_user):
    tokens.issue(alice_user, lifetime=timedelta(seconds=1))
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        tokens.issue(alice_user)
    assert Token.objects.count() == 1


def test_living_tokens_are_listed_with_how_they_were_had_and_used(alice_user):
    issued = tokens.issue(alice_user, via="password", address="10.0.0.1")
    tokens.revoke(tokens.issue(alice_user).token)
    tokens.bearer(issued.token, address="10.0.0.2")
    (row,) = tokens.listed(alice_user)
    assert (row.via, row.address, row.last_address) == ("password", "10.0.0.1", "10.0.0.2")
    assert row.last_used is not None and row.expires == issued.expires


def test_the_last_use_is_noted_once_a_minute(alice_user):
    issued, start = tokens.issue(alice_user), timezone.now()
    for seconds, address in ((0, "10.0.0.1"), (59, "10.0.0.2")):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            tokens.bearer(issued.token, address=address)
    assert tokens.listed(alice_user)[0].last_address == "10.0.0.1"
    with time_machine.travel(start + timedelta(seconds=60), tick=False):
        tokens.bearer(issued.token, address="10.0.0.3")
    assert tokens.listed(alice_user)[0].last_address == "10.0.0.3"


def test_one_token_of_many_is_revoked_by_what_the_list_calls_it(alice_user):
    kept, gone = tokens.issue(alice_user), tokens.issue(alice_user)
    assert tokens.revoke_one(alice_user, tokens.bearer(gone.token).id)
    assert tokens.bearer(kept.token)
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(gone.token)


@pytest.mark.parametrize("id", ["", "cci-", "0" * 16])
def test_what_the_list_does_not_call_anything_revokes_nothing(alice_user, id):
    issued = tokens.issue(alice_user)
    assert not tokens.revoke_one(alice_user, id)
    assert tokens.bearer(issued.token)


def test_dead_and_revoked_tokens_are_swept(alice_user):
    kept = tokens.issue(alice_user)
    tokens.issue(alice_user, lifetime=timedelta(seconds=1))
    tokens.revoke(tokens.issue(alice_user).token)
    assert tokens.sweep(timezone.now() + timedelta(minutes=1)) == 2
    assert tokens.bearer(kept.token)


def test_who_asks_for_ever_more_tokens_loses_the_oldest(alice_user, monkeypatch):
    monkeypatch.setattr(tokens, "MOST_ALIVE", 3)
    issued = [tokens.issue(alice_user) for _ in range(5)]
    assert Token.objects.count() == 3
    assert tokens.bearer(issued[-1].token)
    with pytest.raises(tokens.InvalidToken):
        tokens.bearer(issued[0].token)
