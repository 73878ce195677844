"""Where pods find the Kubernetes API: an address in the Services' range, tried by name and by our CA."""

from __future__ import annotations

import socket
import ssl

from iam import pki
from workloads.node.poddoors import Door
from workloads.runtimes import routes
from workloads.runtimes.services import NAMES, PORT
from workloads.store import hosts

_PATIENCE = 2.0


def door(address: str) -> Door:
    return Door(subject=hosts.API, what="the Kubernetes API", address=address, look=look)


def look(address: str) -> str:
    """Why pods do not reach the API there; "" when they do."""
    if not address:
        return "CCI_POD_API is none"
    return routes.make_local(address) or _shut(address)


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
