"""`make demo`: from a running product to a running, billed web page in one command."""

from __future__ import annotations

import time
import webbrowser
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError

from console import env
from console.forms.namespaces import NamespaceDraft
from iam.identities import Identity
from scripts.images import DEMO_IMAGE, ImageNotBuilt, build_demo_image
from workloads.client import Client
from workloads.meta.errors import AlreadyExists

NAMESPACE, NAME, PODS = "demo", "web", 2


class Command(BaseCommand):
    help = "Make namespace `demo` and a web Deployment of a small image built here, wait for it, and open its page."

    def handle(self, *args: Any, **options: Any) -> None:
        page = f"http://{env.get('CCI_HOST')}:{env.number('CCI_PORT')}/namespaces/{NAMESPACE}/deployments/{NAME}/"
        require_running_product()
        try:
            build_demo_image()
        except ImageNotBuilt as error:
            raise CommandError(f"The demo's image could not be built. {error}") from None
        client = Client(Identity(account="demo", user="admin"))
        namespace, network = NamespaceDraft(name=NAMESPACE).manifests()
        self.create(client, "Namespace", namespace)
        self.create(client, "Network", network, NAMESPACE)
        self.create(client, "Deployment", deployment_manifest(), NAMESPACE)
        self.wait(client)
        self.stdout.write(f"Its page, with state, logs and live cost:\n  {page}")
        webbrowser.open(page)

    def create(self, client: Client, kind: str, manifest: dict[str, Any], namespace: str = "") -> None:
        try:
            client.create(kind, manifest, namespace)
        except AlreadyExists:
            self.stdout.write(f"{kind} {manifest['metadata']['name']} is there already.")
            return
        self.stdout.write(f"{kind} {manifest['metadata']['name']} created.")

    def wait(self, client: Client) -> None:
        """Until every pod is ready, or a minute has gone; either way says what is so."""
        deadline = time.monotonic() + 60
        ready = 0
        while ready < PODS and time.monotonic() < deadline:
            status = client.get("Deployment", NAME, NAMESPACE).get("status", {})
            ready = status.get("readyReplicas", 0)
            time.sleep(0.2)
        if ready < PODS:
            raise CommandError(f"{ready} of {PODS} pods are ready after a minute. Its page says why.")
        self.stdout.write(f"{ready} of {PODS} pods are ready.")


def require_running_product() -> None:
    """Raises CommandError with the next step when no console answers."""
    url = f"http://{env.get('CCI_HOST')}:{env.number('CCI_PORT')}/sign-in/"
    try:
        httpx.get(url, timeout=5)
    except httpx.HTTPError:
        raise CommandError(
            f"Nothing answers on {url}. Start the product with `make run` in another terminal."
        ) from None


def deployment_manifest() -> dict[str, Any]:
    size = {"cpu": "250m", "memory": "1Gi"}
    container = {
        "name": "container-0",
        "image": DEMO_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 80}],
        "resources": {"limits": size, "requests": size},
    }
    labels = {"app": NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "labels": labels},
        "spec": {
            "replicas": PODS,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
