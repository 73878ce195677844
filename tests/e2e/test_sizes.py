"""Sizes and prices as kubectl prints them: what is billed, why, and what cannot be had."""

from __future__ import annotations

import subprocess

import orjson

from tests import manifests
from tests.stack import Stack


def said(stack: Stack, namespace: str, *words: str) -> str:
    """All that kubectl prints, warnings included."""
    command = stack.kubectl_command("-n", namespace, *words)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_kubectl_is_told_the_price_before_and_the_reason_of_every_billed_size(stack: Stack, namespace: str) -> None:
    image = f"--image={manifests.IMAGE}"
    dry = said(stack, namespace, "create", "deployment", "web", image, "--replicas=2", "--dry-run=server")
    assert "Warning: price in CNY: 0/h -> 0.23/h (+0.23/h, ~170/month)" in dry
    assert "Warning: pod size: no resources requested, 0.25 cores, 1 GiB (0.00003225 CNY/s) billed" in dry

    said(stack, namespace, "create", "deployment", "web", image, "--replicas=0")
    scaled = said(stack, namespace, "scale", "deployment/web", "--replicas=3", "--dry-run=server")
    assert "Warning: price in CNY: 0/h -> 0.35/h (+0.35/h, ~250/month)" in scaled

    odd = manifests.pod("odd")
    odd["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    file = stack.data / "odd.json"
    file.write_bytes(orjson.dumps(odd))
    refused = said(stack, namespace, "apply", "-f", str(file))
    assert "a pod must have 2 to 8 GiB of memory per core" in refused
    assert "1 core, 2 GiB (0.000089 CNY/s) or 0.5 cores, 1 GiB (0.0000445 CNY/s)" in refused

    stack.kubectl("annotate", "namespace", namespace, "resource.cci.io/auto-normalize=true")
    applied = said(stack, namespace, "apply", "-f", str(file))
    assert "Warning: pod size: 1 core, 1 GiB requested, 1 core, 2 GiB (0.000089 CNY/s) billed" in applied
    described = said(stack, namespace, "describe", "pod", "odd")
    assert "resource.cci.io/pod-size-reason: 1 core, 1 GiB -> 1 core, 2 GiB: a pod must have 2 to 8" in described
    assert "1 core, 2 GiB" in said(stack, namespace, "get", "pod", "odd", "-o", "wide")
