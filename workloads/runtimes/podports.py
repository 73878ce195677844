"""A connection to a port of a pod, made inside the pod's own network: a server that listens on the pod's loopback alone
is reached as well, as through a kubelet.

The kernel keeps a network for each thread, and a socket stays in the network it was made in. So a thread that ends at
once enters the pod's network and makes the socket; nothing has to be brought back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workloads.runtimes.base import NoConnection

CONNECT_SECONDS = 5

_NEW_NETWORK = 0x40000000
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1", "IPv4", "tcp4"), (socket.AF_INET6, "::1", "IPv6", "tcp6"))

_libc = ctypes.CDLL(None, use_errno=True)


def connect_inside(process: int, port: int) -> socket.socket:
    """To the loopback of the network that this process of the host lives in. Raises NoConnection, OSError when the
    network cannot be entered from here."""
    network, tried = Path(f"/proc/{process}/ns/net"), []
    for family, host, name, protocol in _LOOPBACKS:
        made = _made_inside(network, family)
        place = f"[{host}]" if family == socket.AF_INET6 else host
        if made is None:
            tried.append(f"{name}: dial {protocol} {place}:{port}: {os.strerror(errno.EAFNOSUPPORT).lower()}")
            continue
        try:
            return _connected(made, host, port)
        except OSError as error:
            made.close()
            tried.append(f"{name}: dial {protocol} {place}:{port}: {_words(error)}")
    raise NoConnection(f"failed to connect to localhost:{port} inside the pod's network, {' '.join(tried)}")


def connect_outside(address: str, port: int) -> socket.socket:
    """To the pod's address, from this host. Raises NoConnection."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        return _connected(made, address, port)
    except OSError as error:
        made.close()
        raise NoConnection(f"dial tcp {address}:{port}: {_words(error)}") from error


def _made_inside(network: Path, family: int) -> socket.socket | None:
    with ThreadPoolExecutor(1, thread_name_prefix="netns") as passer:
        return passer.submit(_enter_and_make, network, family).result()


def _enter_and_make(network: Path, family: int) -> socket.socket | None:
    """None where the kernel has no such family."""
    descriptor = os.open(network, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, _NEW_NETWORK) != 0:
            number = ctypes.get_errno()
            raise PermissionError(number, f"the pod's network cannot be entered: {os.strerror(number)}")
    finally:
        os.close(descriptor)
    try:
        return socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return None
        raise


def _connected(made: socket.socket, host: str, port: int) -> socket.socket:
    made.settimeout(CONNECT_SECONDS)
    made.connect((host, port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setblocking(False)
    return made


def _words(error: OSError) -> str:
    """As Go says it: `connect: connection refused`."""
    if isinstance(error, TimeoutError) and error.errno in (None, errno.ETIMEDOUT):
        return "i/o timeout"
    return f"connect: {os.strerror(error.errno).lower()}" if error.errno else f"connect: {error}"
