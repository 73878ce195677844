"""Where pods find the Kubernetes API: an address in the Services' range, made local by one route (AnyIP).

Pods reach it through their network's gateway, as they reach whatever listens on every address of the host; nothing
that listens on other addresses alone becomes reachable by it. The agent keeps the route, tries the door as a pod would
(by name, by our CA), and says whether it is open: pods are not told of a door that is shut, or somebody else's.
"""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import threading
import time

from iam import pki
from workloads.runtimes.services import NAMES, PORT
from workloads.store import hosts

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 10.0
SHUT_SECONDS = 60.0
"""For so long it may stay shut before pods are told of none."""
LOOK_SOON_SECONDS = 1.0
"""While the door is shut: it may be about to open."""
_PATIENCE = 2.0


def keep(stop: threading.Event, *, host: str, address: str) -> None:
    """Until `stop`. An empty address: this installation has none."""
    open_at = time.monotonic()
    while not stop.is_set():
        problem, now = look(address), time.monotonic()
        open_at = open_at if problem else now
        say(host, address, problem, patient=now - open_at < SHUT_SECONDS)
        stop.wait(LOOK_SOON_SECONDS if problem and address else LOOK_AGAIN_SECONDS)


def say(host: str, address: str, problem: str, *, patient: bool = False) -> None:
    """`patient`: a door that was open is not said to be shut yet; the web process may only have been restarted, and
    pods that start meanwhile would not know of it for ever."""
    opened = {"address": address}
    if problem and address and patient and hosts.get(hosts.API) == opened:
        return
    if hosts.put(host, hosts.API, {"problem": problem} if problem else opened):
        _tell(address, problem)


def _tell(address: str, problem: str) -> None:
    if problem:
        log.warning("pods do not reach the Kubernetes API: %s", problem)
    else:
        log.info("pods reach the Kubernetes API at %s:%s", address, PORT)


def look(address: str) -> str:
    """Why pods do not reach the API there; "" when they do."""
    if not address:
        return "CCI_POD_API is none"
    return make_local(address) or _shut(address)


def make_local(address: str) -> str:
    """Makes this host answer for `address`. Why it could not be; "" when it does."""
    if _is_local(address):
        return ""
    words = ["ip", "route", "replace", "local", f"{address}/32", "dev", "lo"]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{address} is not local, and `{' '.join(words)}` cannot be run: {error}"
    if done.returncode:
        return f"{address} is not local, and `{' '.join(words)}` says: {done.stderr.strip()[:200]}"
    return ""


def _is_local(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _shut(address: str) -> str:
    context = ssl.create_default_context(cafile=pki.authority())
    try:
        with (
            socket.create_connection((address, PORT), timeout=_PATIENCE) as connection,
            context.wrap_socket(connection, server_hostname=NAMES[1]),
        ):
            return ""
    except ssl.SSLError:
        return f"somebody else answers at {address}:{PORT}: give this installation another CCI_POD_API"
    except OSError as error:
        return f"nobody answers at {address}:{PORT}: {error.strerror or error}"
