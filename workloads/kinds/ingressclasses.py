"""IngressClass: who routes Ingresses. There is one, `cce`, the same in every account and nobody's to change."""

from __future__ import annotations

import uuid
from typing import Any

from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register

JSON = dict[str, Any]

CCE = "cce"
CONTROLLER = "cci.io/elb"
IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


def _class() -> JSON:
    about = "Ingresses are served by the ELBs of their account."
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {
            "name": CCE,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{CCE}.ingressclass.cci.io")),
            "annotations": {"kubernetes.io/description": about, IS_DEFAULT: "true"},
        },
        "spec": {"controller": CONTROLLER},
    }


KIND = register(
    Kind(
        name="IngressClass",
        plural="ingressclasses",
        group="networking.k8s.io",
        version="v1",
        schema="io.k8s.api.networking.v1.IngressClass",
        singular="ingressclass",
        namespaced=False,
        verbs=("get", "list", "watch"),
        columns=(
            NAME,
            Column("Controller", lambda obj, now: obj["spec"]["controller"], description="Who routes."),
            Column("Parameters", lambda obj, now: NONE, description="Further settings."),
            AGE,
        ),
        has_generation=False,
        fixed=(_class(),),
    )
)
