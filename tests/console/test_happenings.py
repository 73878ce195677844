"""Events are told newest first, also those of one second."""

from __future__ import annotations

from typing import Any

from console import happenings


def event(reason: str, last: str, revision: int) -> dict[str, Any]:
    metadata = {"uid": reason, "name": reason, "resourceVersion": str(revision)}
    return {"metadata": metadata, "reason": reason, "lastTimestamp": last}


def test_of_one_second_what_was_written_later_stands_first() -> None:
    started = event("Started", "2026-11-27T23:30:05Z", 13)
    scheduled, created = (event(one, "2026-11-27T23:30:05Z", at) for one, at in (("Scheduled", 11), ("Created", 12)))
    before = event("Queued", "2026-11-27T23:30:04.900000Z", 14)

    told = happenings.newest([scheduled, before, started, created])

    assert [one.reason for one in told] == ["Started", "Created", "Scheduled", "Queued"]
