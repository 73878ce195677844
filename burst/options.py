"""What the add-on is told when it is started."""

from __future__ import annotations

import argparse
import os
import re
import socket
from dataclasses import dataclass

from burst.credentials import IN_CLUSTER
from burst.heartbeat import GRACE_SECONDS
from burst.images import Rule, parse_rule

_ID = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,50}[a-z0-9])?")
SHORTEST_GRACE = 60


@dataclass(frozen=True)
class Options:
    cluster_id: str
    kubeconfig: str
    cci_kubeconfig: str
    address: str
    kubelet_port: int
    kubelet_certificate: str
    kubelet_key: str
    lease_namespace: str
    webhook_port: int
    webhook_service: str
    webhook_url: str
    identity: str
    grace: int
    rules: tuple[Rule, ...]
    api_address: str
    remove_node: bool


def parse(arguments: list[str] | None = None) -> Options:
    """Exits with a sentence when they cannot be right."""
    parser = argparse.ArgumentParser(
        prog="cci-burst", description="A virtual node for your Kubernetes cluster, whose pods run in CCI."
    )
    parser.add_argument("--cluster-id", required=True, type=_cluster_id, help="names the CCI namespace cce-burst-<ID>")
    parser.add_argument(
        "--kubeconfig", default=IN_CLUSTER, help="of your cluster; without it, the service account of this pod"
    )
    parser.add_argument("--cci-kubeconfig", required=True, help="of CCI")
    parser.add_argument(
        "--node-address",
        default="",
        help="where the cluster's API reaches this program (default: POD_IP, or found out)",
    )
    parser.add_argument("--kubelet-port", type=int, default=10250, help="of logs, exec and metrics")
    parser.add_argument("--kubelet-certificate", default="", help="PEM file; without it, one is made")
    parser.add_argument("--kubelet-key", default="", help="PEM file of its key")
    parser.add_argument("--webhook-port", type=int, default=0, help="of the admission webhook; 0: there is none")
    parser.add_argument(
        "--webhook-service",
        default="kube-system/cci-burst",
        metavar="NAMESPACE/NAME",
        help="by which the cluster asks it",
    )
    parser.add_argument("--webhook-url", default="", help="by which the cluster asks it, instead of a Service")
    parser.add_argument("--lease-namespace", default="kube-system", help="where replicas elect a leader")
    parser.add_argument(
        "--grace-seconds",
        type=int,
        default=GRACE_SECONDS,
        help="how long CCI keeps the pods when it hears nothing of the cluster",
    )
    parser.add_argument(
        "--replace-image", action="append", default=[], metavar="PREFIX=REPLACEMENT", help="where CCI finds images"
    )
    parser.add_argument(
        "--cluster-api", default="", metavar="HOST:PORT", help="where pods in CCI reach your cluster's API"
    )
    parser.add_argument("--remove-node", action="store_true", help="remove the virtual node when the program is ended")
    given = parser.parse_args(arguments)
    try:
        rules = tuple(parse_rule(text) for text in given.replace_image)
    except ValueError as error:
        parser.error(str(error))
    if given.grace_seconds < SHORTEST_GRACE:
        parser.error(f"--grace-seconds must be at least {SHORTEST_GRACE}")
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", given.webhook_service):
        parser.error("--webhook-service is written NAMESPACE/NAME")
    if bool(given.kubelet_certificate) != bool(given.kubelet_key):
        parser.error("--kubelet-certificate and --kubelet-key belong together")
    if given.cluster_api and not re.fullmatch(r".+:\d{1,5}", given.cluster_api):
        parser.error("--cluster-api is written HOST:PORT")
    return Options(
        cluster_id=given.cluster_id,
        kubeconfig=given.kubeconfig,
        cci_kubeconfig=given.cci_kubeconfig,
        address=given.node_address or os.environ.get("POD_IP") or own_address(),
        kubelet_port=given.kubelet_port,
        kubelet_certificate=given.kubelet_certificate,
        kubelet_key=given.kubelet_key,
        lease_namespace=given.lease_namespace,
        webhook_port=given.webhook_port,
        webhook_service=given.webhook_service,
        webhook_url=given.webhook_url,
        identity=os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}",
        grace=given.grace_seconds,
        rules=rules,
        api_address=given.cluster_api,
        remove_node=given.remove_node,
    )


def own_address() -> str:
    """Of this machine, as it would speak to others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _cluster_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError("must be lower case letters, digits and dashes, at most 52 of them")
    return text
