"""kubectl access: everything needed to use the real kubectl on this account, ready to copy; the
command that signs in, and a kubeconfig that needs none."""

from __future__ import annotations

import re
from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from console.access import Visit, guarded
from console.pages import Context, page
from iam import accounts, bundle, pki
from iam import kubeconfig as kubeconfigs

FILE = "cci-kubeconfig.yaml"


@page("kubectl.html")
def access(visit: Visit) -> Context:
    seen = visit.client.list("Namespace", limit=1).items if visit.client.may("list", "Namespace") else []
    namespace = seen[0]["metadata"]["name"] if seen else "my-namespace"
    server, authority = kubeconfigs.default_server(), pki.fingerprint(pki.ensure().ca)
    where = f"--cci-endpoint={server}", f"--certificate-authority=sha256:{authority}"
    who = f"--domain-name={visit.identity.account}", f"--user-name={visit.identity.user}"
    return {
        "section": "kubectl",
        "server": server,
        "authority": authority,
        "context": f"cci-context-{settings.REGION}-{visit.identity.user}",
        "systems": _systems(),
        "by_password": _shells(*where, *who),
        "by_access_key": _shells(*where, "--ak=YOUR_AK"),
        "use": f"export KUBECONFIG=~/Downloads/{FILE}\nkubectl get namespaces",
        "commands": _commands(namespace),
        "hears_prices": accounts.hears_prices(visit.identity.account),
        "may_switch": visit.identity.may(accounts.CHANGE),
        "price_example": "Warning: price in CNY: 0.64/h -> 1.28/h (+0.64/h, ~460/month)",
    }


@guarded("POST")
def prices(visit: Visit) -> HttpResponseBase:
    """Whether kubectl tells this account what its writes change of the price. Raises NotAdministrator."""
    wanted = visit.request.POST.get("prices") == "on"
    chosen = accounts.choices(visit.identity.account)
    accounts.choose(visit.identity, replace(chosen, price_warnings=wanted))
    messages.success(visit.request, _("kubectl tells prices.") if wanted else _("kubectl tells no prices any more."))
    return redirect("console:kubectl")


@never_cache
@guarded("GET")
def kubeconfig(visit: Visit) -> HttpResponse:
    """A file with a new token in it, which lives for 24 hours."""
    text = kubeconfigs.issue(visit.user, via="console", address=visit.request.META.get("REMOTE_ADDR", ""))
    return _file(text.encode(), FILE, content_type="application/yaml")


@guarded("GET")
def authenticator(visit: Visit) -> HttpResponse:
    """The command itself, one file for any system that has Python."""
    return _file(bundle.content(), bundle.NAME, content_type="application/octet-stream")


def sign_in_with(ak: str) -> list[tuple[str, str]]:
    """The command that signs programs in with an access key, as each system's shell takes it."""
    server, authority = kubeconfigs.default_server(), pki.fingerprint(pki.ensure().ca)
    return _shells(f"--cci-endpoint={server}", f"--certificate-authority=sha256:{authority}", f"--ak={ak}")


def _file(content: bytes, name: str, *, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _systems() -> list[tuple[str, str]]:
    """How the downloaded file becomes a command, by operating system."""
    return [
        (_("Linux and macOS"), f"sudo install -m 755 ~/Downloads/{bundle.NAME} /usr/local/bin/"),
        (
            _("Windows (PowerShell, with Python from python.org)"),
            f"New-Item -Force -ItemType Directory $HOME\\cci\n"
            f"Move-Item -Force $HOME\\Downloads\\{bundle.NAME} $HOME\\cci\\",
        ),
    ]


def _shells(*words: str) -> list[tuple[str, str]]:
    """`generate-kubeconfig` with `words`, as each system's shell takes it."""
    return [
        (_("Linux and macOS"), " \\\n  ".join([f"{bundle.NAME} generate-kubeconfig", *map(_quoted, words)])),
        (
            _("Windows (PowerShell)"),
            " `\n  ".join([f"py $HOME\\cci\\{bundle.NAME} generate-kubeconfig", *map(_quoted, words)]),
        ),
    ]


def _quoted(word: str) -> str:
    """For a POSIX shell and PowerShell alike; names of accounts may have spaces."""
    return word if re.fullmatch(r"[\w./:=+-]+", word, re.ASCII) else "'" + word.replace("'", "") + "'"


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
