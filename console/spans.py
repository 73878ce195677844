"""Spans of time in words: ages in one unit, durations in up to two."""

from __future__ import annotations

from datetime import datetime


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
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172_800:
        return f"{whole // 3600} h"
    return f"{whole // 86_400} d"


def duration(seconds: float) -> str:
    """`0.2 s`, `38 s`, `3 min 5 s`, `2 h 4 min`, `3 d 0 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 0.05 else f"{round(seconds * 1000)} ms"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
