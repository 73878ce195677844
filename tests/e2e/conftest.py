"""One running product for all journeys, and a namespace for each."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.stack import Stack, running_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.fixture
def namespace(stack: Stack) -> Iterator[str]:
    """A namespace of its own for one test; gone afterwards, pods included."""
    name = f"t-{secrets.token_hex(4)}"
    stack.kubectl("create", "namespace", name)
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false", check=False)
