"""Moments as the visitor's language writes them. How is a message of its own: the letters of Django's `date` filter.

Tables write moments as `2026-11-27 10:30:05`, in every language; these are for sentences and charts. REST, CSV and JSON
write RFC 3339 and come nowhere near this.
"""

from __future__ import annotations

from datetime import date, datetime

from django.utils import dateformat
from django.utils.translation import pgettext


def short_month(at: date) -> str:
    """`Nov 2026`, below a bar."""
    return dateformat.format(at, pgettext("date format", "M Y"))


def day_of_month(at: date) -> str:
    """`07 Nov`, below a bar."""
    return dateformat.format(at, pgettext("date format", "d M"))


def clock(at: datetime) -> str:
    """A moment in its own zone, as a calendar says it: `Fri 27 Nov 2026, 03:00`."""
    return dateformat.format(at, pgettext("date format", "D j M Y, H:i"))
