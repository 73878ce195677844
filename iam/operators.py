"""Who runs this installation: administrators of one account, named by `CCI_OPERATOR_ACCOUNT`.

They set prices, grant resource packages and credit other accounts. Their own account has no other privilege: what
belongs to another account stays unseen.
"""

from __future__ import annotations

from django.conf import settings

from iam.errors import NotOperator
from iam.identities import Identity


def is_operator(identity: Identity) -> bool:
    return identity.account == settings.OPERATOR_ACCOUNT and identity.is_administrator


def admit(by: Identity, action: str) -> None:
    """`action` is what is asked for, such as `cci:price:create`. Raises NotOperator."""
    if not is_operator(by):
        raise NotOperator(action, settings.OPERATOR_ACCOUNT)
