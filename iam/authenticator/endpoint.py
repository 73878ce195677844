"""The HTTPS calls. Imported when there is one to make: a token from the cache needs nothing of this."""

from __future__ import annotations

import calendar
import hashlib
import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from iam.authenticator import signing
from iam.authenticator.failures import ClockOff, LockedOut, Refused, Unreachable, Untrusted, WrongCredentials
from iam.authenticator.identities import Identity, Person, Token, Trust

_TIMEOUT_SECONDS = 20
_TOKENS = "/iam/tokens"
_LONGEST = 1024 * 1024


class _Answer(NamedTuple):
    status: int
    body: Any
    date: float
    """The server's clock; 0 when it did not say."""


def fetch(endpoint: str, trust: Trust, identity: Identity) -> Token:
    """A new token. A clock that is off is made up for once. Raises Failure."""
    answer = _ask(endpoint, trust, identity, now=time.time())
    if _reason(answer) == "ClockOff":
        offset = _server_time(answer) - time.time()
        answer = _ask(endpoint, trust, identity, now=time.time() + offset)
    if answer.status != 201:
        raise _failure(endpoint, answer)
    now, began = time.time(), answer.date or time.time()
    return Token(answer.body["token"], now + _epoch(answer.body["expirationTimestamp"]) - began, answer.body["region"])


def is_alive(endpoint: str, trust: Trust, token: str) -> bool:
    """Whether the endpoint still takes the token. Raises Failure when it cannot be asked."""
    answer = _call(endpoint, trust, "GET", f"{_TOKENS}/current", headers={"Authorization": f"Bearer {token}"})
    if answer.status in (200, 401):
        return answer.status == 200
    raise _failure(endpoint, answer)


def authority(endpoint: str, fingerprint: str) -> str:
    """The endpoint's own certificate authority as PEM, if it is the one that is meant: whoever else answers cannot make
    up one with this SHA-256. Raises Failure."""
    answer = _call(endpoint, Trust(insecure=True), "GET", "/iam/ca")
    try:
        pem = str(answer.body)
        found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    except ValueError:
        raise Refused(f"{endpoint} does not say who its certificate authority is. Is it the CCI endpoint?") from None
    if found != fingerprint.replace(":", "").lower():
        raise Untrusted(
            f"The certificate authority of {endpoint} has the fingerprint sha256:{found}, not the one that was given. "
            "Copy it again from the console's page kubectl access; if it differs there, somebody is in between."
        )
    return pem


def _ask(endpoint: str, trust: Trust, identity: Identity, *, now: float) -> _Answer:
    asked = {"project": identity.project} if identity.project else {}
    if isinstance(identity, Person):
        asked.update(account=identity.account, user=identity.user, password=identity.password)
        return _call(endpoint, trust, "POST", _TOKENS, body=json.dumps(asked).encode())
    body = json.dumps(asked).encode()
    header = signing.authorization("POST", _TOKENS, body, ak=identity.ak, sk=identity.sk, now=now)
    return _call(endpoint, trust, "POST", _TOKENS, body=body, headers={"Authorization": header})


def _call(
    endpoint: str,
    trust: Trust,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> _Answer:
    """Proxies of the environment are used, but not on the way to this machine itself, as kubectl does it; redirects are
    not followed. Raises Failure."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> None:
            return None

    request = urllib.request.Request(endpoint + path, data=body, method=method, headers=headers or {})  # noqa: S310
    request.add_header("Content-Type", "application/json")
    handlers: list[Any] = [urllib.request.HTTPSHandler(context=_context(trust)), Stay]
    if _is_here(endpoint):
        handlers.append(urllib.request.ProxyHandler({}))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT_SECONDS) as reply:
            return _read(reply.status, reply.read(_LONGEST), reply.headers.get("Date"))
    except urllib.error.HTTPError as error:
        with error:
            return _read(error.code, error.read(_LONGEST), error.headers.get("Date"))
    except urllib.error.URLError as error:
        raise _broken(endpoint, error.reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise _broken(endpoint, error) from None


def _is_here(endpoint: str) -> bool:
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _context(trust: Trust) -> Any:
    try:
        context = ssl.create_default_context(cadata=trust.pem or None)
    except (ssl.SSLError, ValueError):
        raise Untrusted("What was given as --certificate-authority holds no certificate in PEM form.") from None
    if trust.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _read(status: int, content: bytes, date: str | None) -> _Answer:
    text = content.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    return _Answer(status, body, _http_date(date))


def _http_date(text: str | None) -> float:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (TypeError, ValueError):
        return 0.0


def _epoch(text: str) -> float:
    return float(calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")))


def _broken(endpoint: str, error: object) -> Exception:
    """Why nothing was answered."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(endpoint, error)
    if isinstance(error, ssl.SSLError):
        return Unreachable(f"{endpoint} does not speak TLS as expected ({error.reason or error}). Is the port right?")
    if isinstance(error, socket.gaierror):
        return Unreachable(f"{endpoint}: no such host. Look at the spelling, and at this machine's DNS.")
    if isinstance(error, (socket.timeout, TimeoutError)):
        return Unreachable(f"{endpoint} does not answer within {_TIMEOUT_SECONDS} seconds. Is a firewall in between?")
    return Unreachable(f"{endpoint} cannot be reached: {error}. Does it run, and may this machine reach it?")


def _untrusted(endpoint: str, error: Any) -> Exception:
    why = error.verify_message or str(error)
    if error.verify_code == 9:
        now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        return ClockOff(f"The certificate of {endpoint} is not valid yet: this machine's clock says {now}. Set it.")
    if error.verify_code in (62, 64):
        return Untrusted(f"The certificate of {endpoint} is for another name ({why}). Use a name that it has.")
    return Untrusted(
        f"The certificate of {endpoint} is not trusted: {why}. Give its certificate authority with "
        "--certificate-authority=FILE or =sha256:FINGERPRINT; the console's page kubectl access has both."
    )


def _reason(answer: _Answer) -> str:
    try:
        return str(answer.body["details"]["causes"][0]["reason"])
    except (KeyError, IndexError, TypeError):
        return ""


def _server_time(answer: _Answer) -> float:
    try:
        return _epoch(answer.body["details"]["serverTime"])
    except (KeyError, TypeError, ValueError):
        return answer.date or time.time()


def _failure(endpoint: str, answer: _Answer) -> Exception:
    """What the endpoint said, in its words, and what to do."""
    said = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
    reason = _reason(answer)
    if answer.status == 429:
        return LockedOut(said)
    if reason == "ClockOff":
        return ClockOff(said)
    if reason == "WrongLogin":
        return WrongCredentials(f"{said} The console takes the same three; --domain-name is its field Account.")
    if answer.status == 401 and said:
        return WrongCredentials(said)
    if isinstance(answer.body, dict) and answer.body.get("kind") == "Status":
        return Refused(f"{endpoint} answers {answer.status}: {said}")
    return Refused(f"{endpoint} answers {answer.status}, and not as a CCI endpoint does. Look at host and port.")
