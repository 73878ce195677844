"""Is it reached now? Asked by the server, on a person's click, at an address that an ELB of the account has."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.doors import Door

SECONDS = 2.0
"""For each step: the connection, the handshake, the answer."""
_ANY_LABEL = "any"
"""In the place of a wildcard: a rule for `*.example.com` serves any name."""


@dataclass(frozen=True)
class Outcome:
    """`sentence` says what was seen, `advice` what one can do about it."""

    ok: bool
    sentence: str
    advice: str = ""


def check(door: Door, *, host: str = "", path: str = "/") -> Outcome:
    """Never raises. Of UDP nothing can be said: nobody answers to an empty question."""
    if door.protocol == "UDP":
        said = _("UDP has no handshake: whether somebody listens cannot be seen from here.")
        return Outcome(False, said, _("Ask with the program that is meant to use it."))
    begun = time.monotonic()
    try:
        if door.protocol == "TCP":
            socket.create_connection((door.address, door.port), timeout=SECONDS).close()
            return Outcome(True, _("It takes connections; the first took %(ms)d ms.") % {"ms": _since(begun)})
        code, reason, trusted = _asked(door, host, path)
    except TimeoutError:
        said = _("No answer within %(seconds)d seconds.") % {"seconds": SECONDS}
        return Outcome(False, said, _("The connection may be made and the workload not answer: see its logs."))
    except ConnectionRefusedError:
        advice = _("The proxy may not run, or not know of the listener yet: see the events.")
        return Outcome(False, _("Nobody listens at %(door)s.") % {"door": door}, advice)
    except (OSError, http.client.HTTPException) as error:
        said = _("The connection failed: %(error)s.") % {"error": error or type(error).__name__}
        return Outcome(False, said, _("See the events, and whether the pods are ready."))
    return _judged(code, reason, trusted=trusted, ms=_since(begun))


def _asked(door: Door, host: str, path: str) -> tuple[int, str, bool]:
    """The answer's code and reason, and whether the certificate is one that this host trusts (True without TLS)."""
    name = host.replace("*", _ANY_LABEL)
    trusted = True
    connection = http.client.HTTPConnection(door.address, door.port, timeout=SECONDS)
    if door.protocol == "HTTPS":
        try:
            plain = socket.create_connection((door.address, door.port), timeout=SECONDS)
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=name or door.address)
        except ssl.SSLCertVerificationError:
            trusted = False
            plain = socket.create_connection((door.address, door.port), timeout=SECONDS)
            connection.sock = _careless().wrap_socket(plain, server_hostname=name or door.address)
    try:
        connection.request("HEAD", path, headers={"Host": name or door.address, "User-Agent": "cci-console"})
        answer = connection.getresponse()
        return answer.status, answer.reason, trusted
    finally:
        connection.close()


def _careless() -> ssl.SSLContext:
    """To see who answers although its certificate is not trusted: nothing is sent but one question without a secret."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _judged(code: int, reason: str, *, trusted: bool, ms: int) -> Outcome:
    words = {"code": code, "reason": reason, "ms": ms}
    said = _("It answers %(code)d %(reason)s after %(ms)d ms.") % words
    if code in (502, 503, 504):
        advice = _("The ELB is reached, and nobody behind it answers: see whether the pods are ready.")
        return Outcome(False, said, advice)
    if not trusted:
        return Outcome(True, said, _("Its certificate is not one that this host trusts; browsers may warn of it."))
    if code == 404:
        return Outcome(True, said, _("Either no rule is for this host and path, or the workload has nothing there."))
    return Outcome(True, said)


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
