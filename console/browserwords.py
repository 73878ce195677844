"""The words that scripts in the browser say, for a page to bring along: message -> translation, of a plural its forms.

They stand in `frontend/src` in English, as `gettext("…")`; their catalogue is `locale/*/LC_MESSAGES/djangojs.po`."""

from __future__ import annotations

from functools import cache

from django.utils.translation.trans_real import DjangoTranslation
from django.views.i18n import JSONCatalog

Catalogue = dict[str, str | list[str]]


@cache
def catalogue(language: str) -> Catalogue:
    """Empty for English."""
    if language.split("-")[0] == "en":
        return {}
    reader = JSONCatalog()
    reader.translation = DjangoTranslation(language, domain="djangojs")
    found: Catalogue = reader.get_catalog()
    return found
