"""How much each account may keep of what all keep together. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def share(sizes: Mapping[str, int], *, limit: int) -> int:
    """The most an account may have, so that all have `limit` together: who has less than that is left alone, and those
    with more come down to the same. Without anything to give up it is what the largest has."""
    left, sharing = limit, len(sizes)
    for size in sorted(sizes.values()):
        if size * sharing > left:
            return left // sharing
        left, sharing = left - size, sharing - 1
    return max(sizes.values(), default=limit)
