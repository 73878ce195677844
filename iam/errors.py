"""How managing people can fail. Doors above turn each into their own answer.

IamError
├── NotAdministrator    the caller may not (403)
│   └── NotOperator     only who runs this installation may
├── Missing             nothing has this name (404)
├── Taken               something has this name already (409)
├── Busy                it is in use, or the account would be left without an administrator (409)
└── WrongFields         what was given breaks a rule, field by field (422)
"""

from __future__ import annotations

from collections.abc import Mapping


class IamError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAdministrator(IamError):
    def __init__(self, action: str) -> None:
        """`action` is what was missing, for example `iam:user:create`."""
        super().__init__(f"insufficient operation permission, require {action}")
        self.action, self.sentence = action, ""
        self.is_recorded = False
        """Whether the audit trail has it already."""


class NotOperator(NotAdministrator):
    def __init__(self, action: str, account: str) -> None:
        super().__init__(action)
        self.sentence = f"only administrators of the account {account}, which runs this installation, may do this"
        self.message += f": {self.sentence}"


class Missing(IamError):
    def __init__(self, what: str, name: str) -> None:
        super().__init__(f'{what} "{name}" not found')
        self.what, self.name = what, name


class Taken(IamError):
    def __init__(self, what: str, name: str) -> None:
        super().__init__(f'{what} "{name}" already exists: choose another name')
        self.what, self.name = what, name


class Busy(IamError):
    pass


class WrongFields(IamError):
    """`fields` are sentences by the field they speak of."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {sentence}" for field, sentence in fields.items()))
        self.fields = dict(fields)
