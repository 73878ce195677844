"""Hypothesis runs many examples in one test; each must leave nothing to the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import transaction


@contextlib.contextmanager
def a_clean_world() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
