"""Which images may go when the disk is short, and in which order. Pure.

Only what this installation's pods have used and nothing uses now: no container on the host, whoever's, and no pod that
has a place here. Only what a registry has, so that the next pod can pull it again. And only what has no other name: a
tag that none of our pods used is somebody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workloads.kinds.images import familiar
from workloads.runtimes.base import StoredImage
from workloads.store.imageuses import Use


@dataclass(frozen=True)
class Candidate:
    image: StoredImage
    uses: tuple[Use, ...]

    @property
    def last_used(self) -> datetime:
        return max(use.at for use in self.uses)


def candidates(
    images: Iterable[StoredImage], uses: Iterable[Use], *, now: datetime, min_age: timedelta
) -> list[Candidate]:
    """The least recently used first."""
    used: dict[str, list[Use]] = {}
    for use in uses:
        used.setdefault(use.image, []).append(use)
    found = [Candidate(image, tuple(used[image.id])) for image in images if image.id in used]
    return sorted(
        (one for one in found if _may_go(one) and now - one.last_used >= min_age),
        key=lambda one: one.last_used,
    )


def unwanted(candidates: Iterable[Candidate], wanted: Iterable[str]) -> list[Candidate]:
    """Without those that a pod with a place here names: it may start again at any moment."""
    needed = {familiar(name) for name in wanted}
    return [one for one in candidates if not needed & _known(one)]


def superfluous(uses: Iterable[Use], places: Collection[tuple[str, str]]) -> list[Use]:
    """Those of namespaces (account and name) that are gone, but for the last one of an image under each of its names:
    that one says that the image is ours."""
    found, last = list(uses), dict[tuple[str, str], Use]()
    for use in sorted(found, key=lambda use: use.at):
        last[use.image, use.name] = use
    return [use for use in found if (use.account, use.namespace) not in places and last[use.image, use.name] != use]


def _may_go(one: Candidate) -> bool:
    image = one.image
    return not image.in_use and image.in_registry and _known(one).issuperset(image.names)


def _known(one: Candidate) -> set[str]:
    """What our pods call it."""
    return {familiar(use.name) for use in one.uses}
