"""Turns and tables: contenders take turns, so that a busy machine is busy for all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

Seconds = list[float]

RUN_RETURNS = "docker run -d until it returns"
RUN = "docker run -d"
RAW = "raw Docker API"


def take_turns(
    contenders: Mapping[str, Callable[[], float]], *, rounds: int, between: Callable[[], None]
) -> dict[str, Seconds]:
    """What each contender took, round by round; `between` cleans up and is not measured."""
    took: dict[str, Seconds] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, once in contenders.items():
            took[name].append(once())
            between()
    return took


def report(took: Mapping[str, Seconds], *, peers: tuple[str, ...]) -> None:
    """A line each: median, 95th percentile, and the ratio of medians against every peer."""
    medians = {name: statistics.median(seconds) for name, seconds in took.items()}
    width = max(map(len, medians))
    print(f"{'':{width}}  median ms  p95 ms  " + "  ".join(f"of {peer}" for peer in peers))
    for name, seconds in took.items():
        ratios = "  ".join(f"{medians[name] / medians[peer]:>{len(peer) + 3}.2f}" for peer in peers)
        print(f"{name:{width}}  {medians[name] * 1000:9.0f}  {_p95(seconds) * 1000:6.0f}  {ratios}")


def _p95(seconds: Seconds) -> float:
    return sorted(seconds)[max(0, round(len(seconds) * 0.95) - 1)]
