"""A database that is away is a passing thing, and clients are told so."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError

from workloads.kubeapi.threads import in_thread
from workloads.meta.errors import Unavailable

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
async def test_a_database_that_does_not_answer_is_unavailable_and_worth_another_try(error):
    def ask():
        raise error

    with pytest.raises(Unavailable, match="the database does not answer") as refusal:
        await in_thread(ask)

    assert refusal.value.retry_after == 2
