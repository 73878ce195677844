"""What an endpoint answers, or does not, becomes a sentence that says what to do, and an exit code."""

from __future__ import annotations

import http.server
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from iam.authenticator import endpoint
from iam.authenticator.failures import ClockOff, Failure, LockedOut, Refused, Unreachable, Untrusted, Usage
from iam.authenticator.identities import AccessKey, Trust, normalised

KEY = AccessKey("CCIX", "secret")
CLOCK_OFF = (
    b'{"kind": "Status", "message": "The clock is off.", "details": '
    b'{"serverTime": "2026-01-02T03:04:05Z", "causes": [{"reason": "ClockOff"}]}}'
)


class _Answers(http.server.BaseHTTPRequestHandler):
    code, body, asked = 200, b"", 0

    def do_POST(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.code)
        self.send_header("Location", "https://elsewhere.invalid/")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *words: object) -> None:
        """Quiet."""


def _certificate(place: Path, *, valid_in: timedelta, address: str) -> Path:
    """A self-signed certificate and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    begins = datetime.now(UTC) + valid_in
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = place / "both.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return path


Serve = Callable[..., tuple[str, Trust, type[_Answers]]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """An endpoint that always answers the same: its address, whom to trust, and what it counts."""
    running: list[http.server.HTTPServer] = []

    def serve(
        code: int = 200, body: bytes = b"", *, valid_in: timedelta = timedelta(hours=-1), address: str = "127.0.0.1"
    ) -> tuple[str, Trust, type[_Answers]]:
        handler = type("Answers", (_Answers,), {"code": code, "body": body})
        both = _certificate(tmp_path, valid_in=valid_in, address=address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        server = http.server.HTTPServer(("127.0.0.1", 0), handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        running.append(server)
        return f"https://127.0.0.1:{server.server_port}", Trust(both.read_text().partition("-----BEGIN P")[0]), handler

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("code", "body", "error", "said"),
    [
        (429, b'{"message": "Try again in 9 minutes."}', LockedOut, "Try again in 9 minutes"),
        (503, b'{"kind": "Status", "message": "the database does not answer"}', Refused, "answers 503: the database"),
        (404, b"<html>nginx</html>", Refused, "not as a CCI endpoint does"),
        (302, b"", Refused, "answers 302"),
    ],
)
def test_what_is_answered_says_what_to_do(serve, code, body, error, said):
    address, trust, _ = serve(code, body)
    with pytest.raises(error, match=said):
        endpoint.fetch(address, trust, KEY)


def test_a_clock_is_made_up_for_once_and_then_it_is_told(serve):
    address, trust, handler = serve(401, CLOCK_OFF)
    with pytest.raises(ClockOff, match="The clock is off") as failed:
        endpoint.fetch(address, trust, KEY)
    assert (handler.asked, failed.value.exit_code) == (2, 7)


def test_a_certificate_of_the_future_is_a_clock_that_is_off(serve):
    address, trust, handler = serve(valid_in=timedelta(hours=1))
    with pytest.raises(ClockOff, match="this machine's clock says"):
        endpoint.fetch(address, trust, KEY)
    assert handler.asked == 0


def test_a_certificate_that_has_run_out_or_is_anothers_is_not_trusted(serve):
    address, trust, _ = serve(valid_in=timedelta(days=-2))
    with pytest.raises(Untrusted, match="expired"):
        endpoint.fetch(address, trust, KEY)
    address, trust, _ = serve(address="10.0.0.1")
    with pytest.raises(Untrusted, match="for another name"):
        endpoint.fetch(address, trust, KEY)


def test_nobody_signs_in_where_the_authority_is_not_the_one_that_is_meant(serve):
    address, _, handler = serve()
    with pytest.raises(Failure):
        endpoint.authority(address, "00" * 32)
    assert handler.asked == 0


def test_what_is_no_certificate_is_said(serve):
    address, _, _ = serve()
    with pytest.raises(Untrusted, match="no certificate in PEM form"):
        endpoint.fetch(address, Trust("nonsense"), KEY)


def test_plain_http_on_the_port_is_not_taken_for_tls():
    server = http.server.HTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with pytest.raises(Unreachable, match="does not speak TLS"):
        endpoint.fetch(f"https://127.0.0.1:{server.server_port}", Trust(insecure=True), KEY)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "meant"),
    [("CCI.example:6443", "https://cci.example:6443"), (" https://[::1]:6443/ ", "https://[::1]:6443")],
)
def test_an_endpoint_is_written_in_several_ways(text, meant):
    assert normalised(text) == meant


@pytest.mark.parametrize("text", ["", "http://x", "https://", "https://x/path", "https://u@x", "ftp://x"])
def test_what_is_no_endpoint_is_refused_with_what_is(text):
    with pytest.raises(Usage, match="https://HOST:PORT"):
        normalised(text)
