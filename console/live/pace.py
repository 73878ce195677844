"""When a page is looked at again.

What comes after a quiet time is looked at at once; while changes go on and on, a page takes a part of a processor and
no more, and a browser is not told more often than eyes can follow.
"""

from __future__ import annotations

import time
from collections.abc import Callable

CORRECTION_SECONDS = 10.0
"""What no change announces is seen after so long."""
SETTLING_SECONDS = 1.5
"""After a change, once more: by then billing has read it, too."""
REST_SECONDS, REST_TIMES = 0.5, 25
"""After what was shown quickly the whole page follows when it has rested so long, or so many times as long as it
took."""

EYES_SECONDS = 0.2
"""While changes go on and on, a browser is told no more often: each time costs it some milliseconds of its one thread,
whatever little has changed. What comes after a quiet time waits for nothing."""

Clock = Callable[[], float]


class Pace:
    """Each look is owed for: so many times as long as it took, `least` seconds at least. One may run ahead by `ahead`
    seconds."""

    def __init__(self, *, times: float, least: float, ahead: float, now: Clock) -> None:
        self._times, self._least, self._ahead, self._now = times, least, ahead, now
        self._paid = 0.0
        """The instant at which all is paid for."""

    @property
    def pause(self) -> float:
        """Seconds until the next look; 0 for now."""
        return max(0.0, self._paid - self._ahead - self._now())

    def looked(self, took: float) -> None:
        self._paid = max(self._paid, self._now() - took) + max(self._least, self._times * took)


class Plan:
    """Of one page: when it is looked at as a whole, and when at what changes alone tell."""

    def __init__(self, *, now: Clock = time.monotonic) -> None:
        self._now = now
        self._whole_at = 0.0
        self._rested_at = 0.0
        self._whole = Pace(times=3, least=0.1, ahead=0.4, now=now)
        self._quick = Pace(times=3, least=EYES_SECONDS, ahead=0.2, now=now)

    @property
    def is_whole_due(self) -> bool:
        return self._now() >= self._whole_at and not self._whole.pause

    def pause(self, *, is_quick: bool) -> float:
        """Seconds until the next look. `is_quick` says that there are changes to look at."""
        whole = max(self._whole_at - self._now(), self._whole.pause)
        return max(0.0, min(whole, self._quick.pause) if is_quick else whole)

    def whole_now(self) -> None:
        self._whole_at = min(self._whole_at, self._now())

    def looked_quickly(self, took: float, *, whole: bool) -> None:
        """`whole`: and at the page as a whole as soon as can be."""
        self._quick.looked(took)
        self._whole_at = min(self._whole_at, self._now() if whole else max(self._rested_at, self._now()))

    def look_whole(self) -> None:
        """What is heard from now on is looked at after this."""
        self._whole_at = self._now() + CORRECTION_SECONDS

    def looked_whole(self, took: float, *, was_stirred: bool) -> None:
        now = self._now()
        self._whole.looked(took)
        self._rested_at = now + max(REST_SECONDS, REST_TIMES * took)
        if was_stirred:
            self._whole_at = min(self._whole_at, now + SETTLING_SECONDS)
