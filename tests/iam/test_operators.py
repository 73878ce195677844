"""Administrators of one account run the installation, and nobody else does."""

import pytest

from iam import operators
from iam.errors import NotOperator
from iam.identities import Identity

BOSS = ("cci:*:*", "iam:*:*")


@pytest.fixture(autouse=True)
def operator_account(settings):
    settings.OPERATOR_ACCOUNT = "house"


def test_an_administrator_of_the_operators_account_runs_the_installation():
    operators.admit(Identity("house", "alice", actions=BOSS), "cci:price:create")


@pytest.mark.parametrize(
    "identity",
    [
        Identity("house", "bob"),
        Identity("acme", "alice", actions=BOSS),
        Identity("house", "system:serviceaccount:shop:default", actions=BOSS),
    ],
    ids=["no administrator", "another account", "a service account"],
)
def test_nobody_else_does_and_is_told_who_may(identity):
    with pytest.raises(NotOperator) as refused:
        operators.admit(identity, "cci:price:create")
    assert "require cci:price:create" in refused.value.message
    assert "account house" in refused.value.message
