"""The settings page, and what an account chooses for itself there."""

from __future__ import annotations

from django.test import Client as Browser
from pytest_django import Settings

from iam import accounts
from iam.models import Attachment, AuditEntry
from tests.console import scenes
from tests.console.conftest import signed_in

ACCOUNT = "/settings/account/"


def told() -> list[dict[str, str]]:
    """What the audit trail says was changed of the account."""
    return [one for entry in AuditEntry.objects.filter(action=accounts.CHANGE) for one in entry.changes]


def test_everybody_reads_how_the_account_and_the_installation_are(browser: Browser, settings: Settings) -> None:
    settings.OFF_GRID = "round"

    text = browser.get("/settings/").content.decode()

    assert "are rounded up, as the installation has it" in text
    assert "365 days" in text


def test_an_administrator_chooses_and_the_audit_trail_tells_it(browser: Browser) -> None:
    answer = browser.post(ACCOUNT, {"off_grid": "round", "price_warnings": "on", "go": "submit"})

    assert answer.headers["Location"] == "/settings/"
    assert accounts.choices("acme") == accounts.Choices("round", "", price_warnings=True)
    assert {"path": "off_grid", "before": "", "after": "round"} in told()


def test_a_word_that_is_no_choice_is_refused_at_its_field(browser: Browser) -> None:
    answer = browser.post(ACCOUNT, {"off_grid": "maybe", "go": "submit"})

    assert answer.status_code == 422
    assert "Must be refuse or round" in answer.content.decode()
    assert accounts.choices("acme") == accounts.Choices()


def test_who_may_only_read_is_offered_nothing_and_refused(browser: Browser) -> None:
    bob = scenes.user("acme", "bob")
    Attachment.objects.filter(user=bob).update(policy="CCI ReadOnlyAccess")
    reader = signed_in("acme", "bob")

    assert ACCOUNT not in reader.get("/settings/").content.decode()
    assert reader.post(ACCOUNT, {"off_grid": "round"}).status_code == 403
    assert accounts.choices("acme") == accounts.Choices()
