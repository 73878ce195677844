"""A bearer token speaks for its user until it runs out, is revoked, or the user is switched off."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from iam import tokens
from iam.identities import Identity
from iam.models import Token


def test_a_token_speaks_for_its_user(alice_user):
    issued = tokens.issue(alice_user)
    assert tokens.bearer(issued.token).identity == Identity("acme", "alice", ("system:authenticated",), ("cci:*:*",))


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
