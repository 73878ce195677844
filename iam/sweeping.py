"""What has run out leaves the tables: dead tokens, nonces that no clock accepts any more, forgiven wrong passwords, old
entries of the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from iam import audit, logins, signatures, tokens


def run_once(now: datetime) -> None:
    """The manager calls it every half minute; more often does no harm."""
    tokens.sweep(now)
    signatures.sweep(now)
    logins.sweep(now)
    audit.trim(now - timedelta(days=settings.AUDIT_DAYS))
