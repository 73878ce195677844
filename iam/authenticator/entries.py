"""What a kubeconfig is told so that kubectl asks this program: cluster, user and context, named as the product says."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from iam.authenticator import NAME, VERSIONS
from iam.authenticator.identities import AccessKey, Identity, Trust
from iam.authenticator.kubeconfig import Entries


class Way(NamedTuple):
    """How kubectl gets its token: `program` is the command with its first words, `address` is IAM's."""

    program: list[str]
    address: str
    trust: Trust
    cached: bool = True
    stores_secret: bool = True


def entries_of(server: str, way: Way, identity: Identity, *, region: str) -> Entries:
    """Named by region, and by access key or user."""
    return Entries(
        cluster_name=f"cci-cluster-{region}",
        cluster=_cluster(server, way.trust),
        user_name=f"cci-user-{region}-{identity.name}",
        user={"exec": _exec(way, identity)},
        context_name=f"cci-context-{region}-{identity.name}",
    )


def _cluster(server: str, trust: Trust) -> dict[str, Any]:
    if trust.insecure:
        return {"server": server, "insecure-skip-tls-verify": True}
    if not trust.pem:
        return {"server": server}
    return {"server": server, "certificate-authority-data": base64.b64encode(trust.pem.encode()).decode()}


def _exec(way: Way, identity: Identity) -> dict[str, Any]:
    """The secret stands in the environment of the plugin, not among its arguments: those are seen by others."""
    program, *words = way.program
    words = [*words, "token", f"--iam-endpoint={way.address}"]
    if isinstance(identity, AccessKey):
        words += [f"--ak={identity.ak}"]
        secret = {"name": "CCI_SK", "value": identity.sk}
    else:
        words += [f"--domain-name={identity.account}", f"--user-name={identity.user}"]
        secret = {"name": "CCI_PASSWORD", "value": identity.password}
    if identity.project:
        words.append(f"--project-name={identity.project}")
    if not way.cached:
        words.append("--cache=false")
    if way.trust.insecure:
        words.append("--insecure-skip-tls-verify")
    return {
        "apiVersion": VERSIONS[0],
        "command": program,
        "args": words,
        "env": [secret] if way.stores_secret else None,
        "installHint": f"{NAME} is not where this kubeconfig says. The console's page kubectl access has it.",
        "interactiveMode": "Never" if way.stores_secret else "IfAvailable",
        "provideClusterInfo": True,
    }
