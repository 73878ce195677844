"""Addresses that this host answers for although no interface has them: one route each (AnyIP).

Pods reach them through their network's gateway, as they reach whatever listens on every address of the host; nothing
that listens on other addresses alone becomes reachable by it. Several installations on one host have the same routes,
so nobody takes one away.
"""

from __future__ import annotations

import socket
import subprocess
from ipaddress import IPv4Network


def make_local(wanted: str) -> str:
    """Makes this host answer for an address or a range. Why it could not be; "" when it does."""
    range = IPv4Network(wanted)
    if _is_local(str(range[0])) and _is_local(str(range[-1])):
        return ""
    words = ["ip", "route", "replace", "local", str(range), "dev", "lo"]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{wanted} is not local, and `{' '.join(words)}` cannot be run: {error}"
    if done.returncode:
        return f"{wanted} is not local, and `{' '.join(words)}` says: {done.stderr.strip()[:200]}"
    return ""


def _is_local(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
