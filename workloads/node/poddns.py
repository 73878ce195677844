"""Where pods ask for names: an address that this host answers for, asked whose server it is."""

from __future__ import annotations

import dns.message
import dns.query
from dns.exception import DNSException

from workloads.kinds.networks import SERVICES
from workloads.node.poddoors import Door
from workloads.routing.zone import INSTANCE
from workloads.runtimes import routes
from workloads.store import hosts

PORT = 53
_PATIENCE = 1.0


def door(address: str, *, instance: str) -> Door:
    return Door(subject=hosts.DNS, what="DNS", address=address, look=lambda address: look(address, instance=instance))


def look(address: str, *, instance: str) -> str:
    """Why pods get no answers there from this installation; "" when they do. Names lead to Services' addresses, so
    these have to be this host's as well."""
    if not address:
        return "CCI_DNS is none"
    return routes.make_local(str(SERVICES)) or routes.make_local(address) or _silent(address, instance)


def _silent(address: str, instance: str) -> str:
    question = dns.message.make_query(INSTANCE, "TXT")
    try:
        reply = dns.query.udp(question, address, port=PORT, source=address, timeout=_PATIENCE)
    except OSError as error:
        return f"nobody answers at {address}:{PORT}: {error.strerror or error}"
    except DNSException as error:
        return f"nobody answers at {address}:{PORT}: {error}"
    said = [one.to_text() for rrset in reply.answer for one in rrset]
    if said != [f'"{instance}"']:
        return f"somebody else answers at {address}:{PORT}: give this installation another CCI_DNS"
    return ""
