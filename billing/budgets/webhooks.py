"""One POST to an address that a person of some account wrote: it must not reach what only this host may reach.

The name is resolved here, every address it has must be a public one, and the connection goes to that very address: a
name that answers differently a moment later changes nothing. Redirects are not followed, proxies of the environment not
used, and no more of the answer is read than its head.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import httpx
from django.conf import settings

DEADLINE = 15.0
"""Seconds for the whole attempt, however busily the other side says nothing; its name is resolved before."""
LONGEST_URL = 500
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unreachable(Exception):
    """The address may not, or cannot, be asked; the text says why."""


def problem(url: str) -> str:
    """The rule that an address breaks, before anything is asked; "" for none."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "must be an address, such as https://example.com/hooks/cci"
    if parts.scheme not in ("http", "https") or not host or len(url) > LONGEST_URL or not url.isascii() or " " in url:
        return f"must be an http or https address of {LONGEST_URL} characters at most"
    if parts.username or parts.password:
        return "must not carry a name or password: the signature says who sends it"
    literal = _literal(host)
    return _forbidden(literal) if literal is not None else ""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The answer's code. Raises Unreachable."""
    if said := problem(url):
        raise Unreachable(f"the address {said}")
    parts = urlsplit(url)
    asked, address = parts.hostname or "", _address(parts)
    there = f"[{address}]" if address.version == 6 else str(address)
    port = f":{parts.port}" if parts.port else ""
    pinned = parts._replace(netloc=f"{there}{port}", fragment="").geturl()
    said_host = f"{f'[{asked}]' if ':' in asked else asked}{port}"
    try:
        return asyncio.run(_answer(pinned, body, {**headers, "Host": said_host}, asked))
    except TimeoutError:
        raise Unreachable(f"no answer within {DEADLINE:g} seconds") from None
    except httpx.HTTPError as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from None


async def _answer(url: str, body: bytes, headers: Mapping[str, str], asked: str) -> int:
    """Raises TimeoutError; then the connection is closed. `asked` is the name that the certificate must be for."""
    async with (
        asyncio.timeout(DEADLINE),
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=DEADLINE) as client,
        client.stream("POST", url, content=body, headers=headers, extensions={"sni_hostname": asked}) as answer,
    ):
        return answer.status_code


def _address(parts: SplitResult) -> Address:
    """Where to connect. One forbidden address among those of a name forbids the name."""
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"{host} cannot be resolved") from None
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    for address in addresses:
        if said := _forbidden(address):
            raise Unreachable(f"{host} {said}")
    return addresses[0]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _forbidden(address: Address) -> str:
    if settings.WEBHOOK_PRIVATE or _is_public(address):
        return ""
    return f"leads to {address}, which is not public: the operator allows that with CCI_WEBHOOK_PRIVATE=1"


def _is_public(address: Address) -> bool:
    """What an IPv6 address carries of an IPv4 one is judged, too."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not _is_public(inner):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
