"""Spans of time in words: ages in one unit, durations in up to two."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _


def parse(moment: str) -> datetime:
    """RFC 3339 as the API writes it."""
    return datetime.fromisoformat(moment)


def between(start: str | None, end: str | None) -> float | None:
    """Seconds from `start` to `end`; None while one of them has not happened."""
    if not start or not end:
        return None
    return max(0.0, (parse(end) - parse(start)).total_seconds())


def age(seconds: float) -> str:
    """`40 s`, `4 min`, `6 h`, `12 d`: the same words as behaviours/age.ts."""
    whole = max(0, int(seconds))
    if whole < 120:
        return _("%(count)s s") % {"count": whole}
    if whole < 7200:
        return _("%(count)s min") % {"count": whole // 60}
    if whole < 172_800:
        return _("%(count)s h") % {"count": whole // 3600}
    return _("%(count)s d") % {"count": whole // 86_400}


def duration(seconds: float) -> str:
    """`0.2 s`, `38 s`, `3 min 5 s`, `2 h 4 min`, `3 d 0 h`."""
    if seconds < 10:
        if seconds < 0.05:
            return _("%(count)s ms") % {"count": round(seconds * 1000)}
        return _("%(count)s s") % {"count": f"{seconds:.1f}"}
    whole = int(seconds)
    if whole < 60:
        return _("%(count)s s") % {"count": whole}
    if whole < 3600:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": whole // 60, "seconds": whole % 60}
    if whole < 86_400:
        return _("%(hours)s h %(minutes)s min") % {"hours": whole // 3600, "minutes": whole % 3600 // 60}
    return _("%(days)s d %(hours)s h") % {"days": whole // 86_400, "hours": whole % 86_400 // 3600}
