"""The name of an object: whose it is, what it is, where it is and what it is called."""

from __future__ import annotations

from typing import NamedTuple, NewType

Uid = NewType("Uid", str)
"""One life of a key. A deleted and re-created object has the same key and another uid."""


class Key(NamedTuple):
    """`account` is the account's name; `kind` is `Kind.name`; `namespace` is "" for cluster-scoped kinds."""

    account: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(self)

    @classmethod
    def parse(cls, text: str) -> Key:
        """The inverse of `str(key)`. Raises ValueError when `text` has not four parts."""
        account, kind, namespace, name = text.split("/")
        return cls(account, kind, namespace, name)
