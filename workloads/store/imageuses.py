"""Which images this installation's pods have used, when last, and whose they were: what may be removed when the disk is
short, and who has to be told.

The pods controller notes an image when it was pulled for a pod or a container was made from it; the agent brings `at`
up to date while containers of it are there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from workloads.store.models import ImageUse
from workloads.store.writing import write

EXACT_TO = timedelta(minutes=1)
"""A use that was noted so shortly before is not written again."""


@dataclass(frozen=True)
class Use:
    """`name` is what a pod of the namespace called the image with the id `image`."""

    image: str
    account: str
    namespace: str
    name: str
    at: datetime


def note(use: Use) -> None:
    who: dict[str, Any] = {name: getattr(use, name) for name in ("image", "account", "namespace", "name")}
    if ImageUse.objects.filter(**who, at__gt=use.at - EXACT_TO).exists():  # a look is free, a write is not
        return
    with write():
        ImageUse.objects.update_or_create(**who, defaults={"at": use.at})


def touch(images: Collection[str], at: datetime) -> None:
    """They are in use now."""
    known = ImageUse.objects.filter(image__in=list(images), at__lte=at - EXACT_TO)
    if known.exists():
        with write():
            known.update(at=at)


def every() -> list[Use]:
    return [Use(row.image, row.account, row.namespace, row.name, row.at) for row in ImageUse.objects.all()]


def drop(uses: Collection[Use]) -> None:
    """These alone. One that was noted again meanwhile stays."""
    if uses:
        with write():
            for use in uses:
                ImageUse.objects.filter(**asdict(use)).delete()


def forget(images: Collection[str]) -> None:
    """Of images that are gone."""
    if images:
        with write():
            ImageUse.objects.filter(image__in=list(images)).delete()
