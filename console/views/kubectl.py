"""kubectl access: everything needed to use the real kubectl on this account, ready to copy; and the kubeconfig."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from console.access import Visit, guarded
from console.pages import Context, page
from iam import kubeconfig as kubeconfigs

FILE = "cci-kubeconfig.yaml"


@page("kubectl.html")
def access(visit: Visit) -> Context:
    namespace = next((row["metadata"]["name"] for row in visit.client.list("Namespace", limit=1).items), "my-namespace")
    return {
        "section": "kubectl",
        "server": kubeconfigs.default_server(),
        "context": f"cci-context-{settings.REGION}-{visit.identity.user}",
        "use": f"export KUBECONFIG=~/Downloads/{FILE}\nkubectl get namespaces",
        "commands": _commands(namespace),
    }


@never_cache
@guarded("GET")
def kubeconfig(visit: Visit) -> HttpResponse:
    """A file with a new token in it, which lives for 24 hours."""
    response = HttpResponse(kubeconfigs.issue(visit.user), content_type="application/yaml")
    response["Content-Disposition"] = f'attachment; filename="{FILE}"'
    return response


def _commands(namespace: str) -> list[tuple[str, str]]:
    return [
        (_("What is there"), "kubectl get namespaces"),
        (_("What runs"), f"kubectl -n {namespace} get deployments,pods"),
        (_("See it change"), f"kubectl -n {namespace} get pods --watch"),
        (_("Run something"), f"kubectl -n {namespace} create deployment web --image=nginx:1.27-alpine --replicas=2"),
        (_("Why does it not start?"), f"kubectl -n {namespace} describe pod <name>"),
        (_("Follow what it says"), f"kubectl -n {namespace} logs -f deployment/web"),
        (_("Scale it"), f"kubectl -n {namespace} scale deployment web --replicas=3"),
    ]
