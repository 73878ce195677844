"""Who signs in, where, and whom to trust there."""

from __future__ import annotations

from typing import NamedTuple, Union

from iam.authenticator.failures import Usage


class Trust(NamedTuple):
    """Whom to believe: certificate authorities as PEM, or the system's when there are none. `insecure` believes all."""

    pem: str = ""
    insecure: bool = False


class AccessKey(NamedTuple):
    ak: str
    sk: str
    project: str = ""

    @property
    def name(self) -> str:
        return self.ak


class Person(NamedTuple):
    account: str
    user: str
    password: str
    project: str = ""

    @property
    def name(self) -> str:
        return self.user


Identity = Union[AccessKey, Person]


class Token(NamedTuple):
    """`expires` is in seconds since the epoch by the clock of this machine, however wrong that is."""

    token: str
    expires: float
    region: str = ""


def normalised(text: str) -> str:
    """`https://host:port`. Raises Usage."""
    url = text.strip()
    if "://" not in url:
        url = f"https://{url}"
    scheme, _, host = url.partition("://")
    host = host.rstrip("/")
    if scheme.lower() != "https" or not host or any(letter in host for letter in "/?#@ "):
        raise Usage(f"{text!r} is no endpoint: write https://HOST:PORT, as the console's page kubectl access shows it.")
    return f"https://{host.lower()}"
