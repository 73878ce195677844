"""What has run out leaves the tables: dead tokens, nonces that no clock accepts any more, forgiven wrong passwords."""

from __future__ import annotations

from datetime import datetime

from iam import logins, signatures, tokens


def run_once(now: datetime) -> None:
    """The manager calls it every half minute; more often does no harm."""
    tokens.sweep(now)
    signatures.sweep(now)
    logins.sweep(now)
