"""The map of the console: its sections in the rail's order, and the page on which each kind of object is shown.

A new section is one entry here: the rail, its live count, the palette and links to objects follow.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Words = str | Promise


@dataclass(frozen=True)
class Section:
    name: str
    """As pages say it in `section`."""
    title: Words
    everywhere: str
    """The url's name, over all namespaces."""
    here: str = ""
    """The url's name within a namespace; "" for what lives in none."""
    kind: str = ""
    """What is counted beside the title."""

    def url(self, namespace: str) -> str:
        if namespace and self.here:
            return reverse(self.here, kwargs={"namespace": namespace})
        return reverse(self.everywhere)


@dataclass(frozen=True)
class Group:
    title: Words
    sections: tuple[Section, ...]


MAP = (
    Group(
        "",
        (
            Section("overview", _("Overview"), "console:overview"),
            Section("namespaces", _("Namespaces"), "console:namespaces", kind="Namespace"),
        ),
    ),
    Group(
        _("Workloads"),
        (
            Section("deployments", _("Deployments"), "console:all-deployments", "console:deployments", "Deployment"),
            Section("jobs", _("Jobs"), "console:all-jobs", "console:jobs", "Job"),
            Section("cronjobs", _("CronJobs"), "console:all-cronjobs", "console:cronjobs", "CronJob"),
            Section("pods", _("Pods"), "console:all-pods", "console:pods", "Pod"),
            Section("images", _("Images"), "console:images"),
            Section("bursting", _("Bursting"), "console:bursting"),
        ),
    ),
    Group(
        _("Data"),
        (Section("storage", _("Storage"), "console:all-claims", "console:claims", "PersistentVolumeClaim"),),
    ),
    Group(
        _("Network"),
        (
            Section("elbs", _("ELBs"), "console:elbs", kind="ELB"),
            Section("services", _("Services"), "console:all-services", "console:services", "Service"),
            Section("ingresses", _("Ingresses"), "console:all-ingresses", "console:ingresses", "Ingress"),
            Section("networks", _("Networks"), "console:all-networks", "console:networks", "Network"),
        ),
    ),
    Group(
        _("Configuration"),
        (
            Section("configmaps", _("ConfigMaps"), "console:all-configmaps", "console:configmaps", "ConfigMap"),
            Section("secrets", _("Secrets"), "console:all-secrets", "console:secrets", "Secret"),
        ),
    ),
    Group(
        _("Cost"),
        (
            Section("bills", _("Bills"), "console:bills"),
            Section("budgets", _("Budgets"), "console:budgets"),
            Section("packages", _("Resource packages"), "console:packages"),
            Section("prices", _("Prices"), "console:prices"),
        ),
    ),
    Group(
        pgettext_lazy("roles", "Access"),
        (
            Section("users", _("Users"), "console:users"),
            Section("groups", _("Groups"), "console:groups"),
            Section("policies", _("Policies"), "console:policies"),
            Section("roles", _("Namespace access"), "console:access", "console:namespace-access", "RoleBinding"),
            Section(
                "serviceaccounts",
                _("ServiceAccounts"),
                "console:all-serviceaccounts",
                "console:serviceaccounts",
                "ServiceAccount",
            ),
            Section("accesskeys", _("Access keys"), "console:access-keys"),
            Section("audit", _("Audit"), "console:audit"),
        ),
    ),
    Group(
        _("Account"),
        (
            Section("settings", _("Settings"), "console:settings"),
            Section("kubectl", _("kubectl access"), "console:kubectl"),
            Section("help", _("Help"), "console:help"),
        ),
    ),
)

SECTIONS = tuple(section for group in MAP for section in group.sections)
SHORTCUTS = {
    "overview": "o",
    "namespaces": "n",
    "deployments": "d",
    "jobs": "j",
    "cronjobs": "c",
    "pods": "p",
    "storage": "v",
    "elbs": "e",
    "services": "s",
    "ingresses": "i",
    "networks": "w",
    "configmaps": "m",
    "secrets": "t",
    "bills": "b",
    "serviceaccounts": "r",
    "audit": "a",
    "help": "?",
}
"""By the section's name, the key that leads there behind `g`."""
BY_KIND = {section.kind: section for section in SECTIONS if section.kind}
KINDS = tuple(BY_KIND)
"""What the rail counts."""

PAGES = {
    "Deployment": "console:deployment",
    "Job": "console:job",
    "CronJob": "console:cronjob",
    "Pod": "console:pod",
    "PersistentVolumeClaim": "console:claim",
    "ConfigMap": "console:configmap",
    "Secret": "console:secret",
    "Service": "console:service",
    "Ingress": "console:ingress",
    "Network": "console:network",
    "ServiceAccount": "console:serviceaccount",
    "Role": "console:role",
}
"""The url's name of one object's page, by kind; each takes `namespace` and `name`."""

OF_ACCOUNT = {"ELB": "console:elb"}
"""The same of kinds that live in no namespace; each takes `name` alone."""

EDITED = {
    section.kind: section.name
    for section in SECTIONS
    if section.kind in {*PAGES, *OF_ACCOUNT, "Namespace"} and section.kind != "Secret"
}
"""What is edited as YAML, and the section it stands in. A Secret's values are changed in its own form, which shows none
of them."""

PEOPLE = {"User": "console:user", "Group": "console:group", "Policy": "console:policy", "Budget": "console:budget"}
"""The same of what the account has beside the control plane; each takes `name` alone."""


def page_of(kind: str, namespace: str, name: str) -> str:
    """Where the console shows an object; "" for kinds without a page."""
    if kind == "Namespace":
        return reverse("console:namespace", kwargs={"namespace": name})
    if page := PEOPLE.get(kind) or OF_ACCOUNT.get(kind):
        return reverse(page, kwargs={"name": name})
    if kind not in PAGES:
        return ""
    try:
        return reverse(PAGES[kind], kwargs={"namespace": namespace, "name": name})
    except NoReverseMatch:
        return ""
