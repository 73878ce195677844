"""Lists page by page, alike everywhere in this API.

    GET /api/v1/users?limit=50                 {"items": [...], "continue": "WyJ1c2VycyIs..."}
    GET /api/v1/users?limit=50&continue=WyJ1c2VycyIs...

`continue` is null on the last page, otherwise the token of the next one. A token remembers behind which entry the page
begins, not how many came before it: what is added or removed meanwhile neither doubles nor hides another entry.

A list's view reads its question by a serializer that extends `Listed`. Then either everything is here and in order:

    return Response(paging.page("users", asked, users, key=lambda user: (user.name,), body=_user))

or the database is asked for one more than `limit` behind `paging.after(...)`, and `paging.answer` tells them.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from rest_framework import serializers

from workloads.meta.errors import BadRequest, Cause

JSON = dict[str, Any]
Place = tuple[str | int, ...]
"""What an entry is sorted by, unique in its list."""
T = TypeVar("T")

MOST = 500
_LARGEST = 2**63


class Listed(serializers.Serializer[JSON]):
    """`?limit=100&continue=<token>`"""

    limit = serializers.IntegerField(
        default=100, min_value=1, max_value=MOST, help_text="Entries of one page, at most."
    )

    def get_fields(self) -> dict[str, Any]:
        token = serializers.CharField(
            default="", allow_blank=True, max_length=2000, help_text="What the page before said as `continue`."
        )
        return {**super().get_fields(), "continue": token}


def after(name: str, asked: JSON, *shape: type[str] | type[int]) -> Place | None:
    """The place of the last entry before the page that is asked for, None for the first page. `name` is the list's own:
    a token of another list is none here. `shape` are the types of its places. Raises BadRequest."""
    token = asked["continue"]
    if not token:
        return None
    try:
        said = orjson.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise _outworn() from None
    if not isinstance(said, list) or len(said) != len(shape) + 1 or said[0] != name:
        raise _outworn()
    if not all(_fits(value, kind) for value, kind in zip(said[1:], shape, strict=True)):
        raise _outworn()
    return tuple(said[1:])


def answer(name: str, asked: JSON, found: Sequence[T], *, key: Callable[[T], Place], body: Callable[[T], JSON]) -> JSON:
    """The answer to a list of which `found` are up to one more than `limit`, from the place on that was asked for."""
    shown = found[: asked["limit"]]
    token = _token(name, key(shown[-1])) if len(found) > len(shown) else None
    return {"items": [body(one) for one in shown], "continue": token}


def page(
    name: str, asked: JSON, everything: Sequence[T], *, key: Callable[[T], Place], body: Callable[[T], JSON]
) -> JSON:
    """The answer to a list that is all here, in rising order of `key`."""
    first = key(everything[0]) if everything else ()
    place = after(name, asked, *(type(part) for part in first)) if everything else None
    rest = everything if place is None else [one for one in everything if key(one) > place]
    return answer(name, asked, rest[: asked["limit"] + 1], key=key, body=body)


def _token(name: str, place: Place) -> str:
    return urlsafe_b64encode(orjson.dumps([name, *place])).decode().rstrip("=")


def _fits(value: Any, kind: type) -> bool:
    if kind is int:
        return type(value) is int and -_LARGEST <= value < _LARGEST
    return isinstance(value, str) and "\0" not in value


def _outworn() -> BadRequest:
    rule = "is no token of this list: take it as the page before said it, or leave it out"
    return BadRequest(f"continue: {rule}", causes=(Cause("continue", rule),))
