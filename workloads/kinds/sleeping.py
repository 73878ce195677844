"""Scale to zero, as a Deployment's annotations say it. Pure.

`AFTER` is people's wish: stop after so long without a request. `REPLICAS` is there exactly while the Deployment sleeps
and says how many pods it had; a person's own 0 has none, and stays. `WOKEN` is when a request woke it last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]
Object = Mapping[str, Any]

AFTER = "autoscaling.cci.io/scale-to-zero"
REPLICAS = "autoscaling.cci.io/asleep-replicas"
WOKEN = "autoscaling.cci.io/woken-at"
MARKS = (REPLICAS, WOKEN)
"""Ours."""
SIEVE = b'"autoscaling.cci.io/'
"""In the bytes of every Deployment that has one of them."""
CONDITION = "Asleep"
LONGEST = 24 * 3600
MOST_WAITING, LONGEST_WAIT = 256, 60
"""So many requests for one Service wait for its pods at a time, each for so many seconds."""

_DURATION = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s)?")
_MOST_PODS = 1_000_000


def validate(obj: JSON) -> list[Cause]:
    found, said = [], _annotations(obj)
    if AFTER in said and not 0 < (seconds(said[AFTER]) or 0) <= LONGEST:
        rule = "must be a duration of at most 24h in hours, minutes and seconds, such as 10m or 1h30m"
        found.append(causes.invalid(field(AFTER), said[AFTER], rule))
    if REPLICAS in said and remembered(obj) is None:
        rule = f"must be the number of pods to wake, from 1 to {_MOST_PODS}; leave it to the product"
        found.append(causes.invalid(field(REPLICAS), said[REPLICAS], rule))
    return found


def field(annotation: str) -> str:
    return f"metadata.annotations[{annotation}]"


def settle(obj: JSON) -> None:
    """In place, on every write: who has pods does not sleep, and whose wish has been taken back is woken."""
    said = _annotations(obj)
    if REPLICAS not in said:
        return
    if AFTER not in said and not obj["spec"].get("replicas"):
        obj["spec"]["replicas"] = remembered(obj) or 1
    if obj["spec"].get("replicas"):
        del obj["metadata"]["annotations"][REPLICAS]


def seconds(text: str) -> int | None:
    """None for what is no duration."""
    match = _DURATION.fullmatch(text) if text else None
    if match is None:
        return None
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def after(obj: Object) -> int | None:
    """Seconds without a request; None where nobody wishes it."""
    return seconds(_annotations(obj).get(AFTER, ""))


def wish(obj: Object) -> str:
    """As it was written; "" without one."""
    return str(_annotations(obj).get(AFTER, ""))


def is_asleep(obj: Object) -> bool:
    return REPLICAS in _annotations(obj) and not obj["spec"].get("replicas")


def remembered(obj: Object) -> int | None:
    """How many pods it had when it fell asleep; None for what is no such number."""
    said = str(_annotations(obj).get(REPLICAS, ""))
    number = int(said) if re.fullmatch("[0-9]{1,7}", said, re.ASCII) else 0
    return number if 1 <= number <= _MOST_PODS else None


def woken(obj: Object) -> str:
    return str(_annotations(obj).get(WOKEN, ""))


def to_sleep(obj: Object) -> JSON:
    """The patch that stops its pods and remembers how many they were."""
    annotations = {REPLICAS: str(obj["spec"].get("replicas", 1)), WOKEN: None}
    return {"metadata": {"annotations": annotations}, "spec": {"replicas": 0}}


def to_wake(obj: Object, *, at: str = "") -> JSON:
    """The patch that brings them back; `at` is when a request asked for it."""
    annotations = {REPLICAS: None, **({WOKEN: at} if at else {})}
    return {"metadata": {"annotations": annotations}, "spec": {"replicas": remembered(obj) or 1}}


def pods(count: int) -> str:
    return "1 pod" if count == 1 else f"{count} pods"


def _annotations(obj: Object) -> Object:
    return obj["metadata"].get("annotations") or {}
