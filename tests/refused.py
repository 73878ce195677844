"""The eight that are never offered, each as a manifest that asks for it and the sentence that answers. One table for
every door: front door, kubectl, console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests import manifests

JSON = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    spoil: Callable[[JSON], None]
    """Makes a Deployment ask for it."""
    sentence: str


def manifest(name: str) -> JSON:
    made = manifests.service(type="NodePort") if name == "NodePort" else manifests.deployment("web")
    EVERY[name].spoil(made)
    return made


def _pod(change: Callable[[JSON], None]) -> Callable[[JSON], None]:
    return lambda made: change(made["spec"]["template"]["spec"])


def _flag(name: str) -> Callable[[JSON], None]:
    return _pod(lambda spec: spec.update({name: True}))


def _host_path(spec: JSON) -> None:
    spec["volumes"] = [{"name": "etc", "hostPath": {"path": "/etc"}}]


def _privileged(spec: JSON) -> None:
    spec["containers"][0]["securityContext"] = {"privileged": True}


def _host_port(spec: JSON) -> None:
    spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 80}]


def _daemon_set(made: JSON) -> None:
    made["kind"] = "DaemonSet"
    del made["spec"]["replicas"]


EVERY = {
    "hostPath": Refused(_pod(_host_path), "put what the container needs into its image"),
    "hostNetwork": Refused(_flag("hostNetwork"), "the host's network is not offered; each pod has its own address"),
    "hostPID": Refused(_flag("hostPID"), "the host's processes are not offered; containers of a pod meet on localhost"),
    "hostIPC": Refused(_flag("hostIPC"), "the host's IPC is not offered; containers of one pod share theirs"),
    "privileged": Refused(_pod(_privileged), "privileged containers are not offered; remove it, or run what needs it"),
    "NodePort": Refused(lambda made: None, "NodePort is not offered: there are no nodes to reach; use type LoadBal"),
    "DaemonSet": Refused(_daemon_set, "DaemonSet is not offered by this service: there are no nodes to run one pod on"),
    "hostPort": Refused(_pod(_host_port), "the host's ports are not offered; the pod answers on its own address"),
}
