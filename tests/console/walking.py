"""Every page of the console that is HTML, as alice sees her shop: walked once a process, whoever asks first.

Every message stands between ⟦ and ⟧, so that words outside of messages can be told from those inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils.translation import _trans  # type: ignore[attr-defined]

from console.urls import pages
from tests.console.test_isolation import OPEN, TEXT_STREAMS, url_of
from workloads.admission import grid

FILES = {"kubeconfig", "authenticator", "bill-csv", "bill-json", "list-csv"}
HTML = [one for one in pages if one.name not in OPEN | TEXT_STREAMS | FILES]
_walked: dict[str, str] = {}


@pytest.fixture
def walked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The text of every page by the name of its url."""
    if not _walked:
        request.getfixturevalue("shop")
        grid.fill()
        browser: Browser = request.getfixturevalue("browser")
        _put_messages_in_brackets(monkeypatch)
        found = {str(one.name): browser.get(url_of(one)).content.decode() for one in HTML}
        _walked.update(found)
    return _walked


def _put_messages_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gettext", "pgettext", "ngettext", "npgettext"):
        monkeypatch.setattr(_trans, name, _in_brackets(getattr(_trans, name)))
    monkeypatch.setattr("console.lowerwords.get_language", lambda: "brackets")  # in English it asks for no message


def _in_brackets(translate: Callable[..., str]) -> Callable[..., str]:
    def translated(*arguments: Any) -> str:
        text = translate(*arguments)
        return type(text)(f"⟦{text}⟧") if text.strip() else text

    return translated
