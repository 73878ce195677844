"""What stands on the pages of the forms that create: choices, steps, prices, the same as YAML. Reads, never writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.client import Rate
from console import hostfits, manifests, moments, outlooks
from console.forms import access, handlers, namespaces, readfields, schedules, storage
from console.forms import sizes as offered
from console.forms.access import AccessDraft
from console.forms.barepods import BarePodDraft
from console.forms.containers import INIT, MAIN, ContainerDraft
from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError
from console.forms.environment import VALUE
from console.forms.jobs import CUSTOM, JOB_FIELDS, CronJobDraft, JobDraft
from console.forms.namespaces import NamespaceDraft
from console.forms.podtemplates import PodDraft
from console.forms.sizes import FREE
from console.forms.workloads import WorkloadDraft
from console.sizes import Size
from console.spans import age
from console.views import container_words, draft_yaml, workload_words
from console.views.picks import Picks
from workloads.client import Client, HostImage
from workloads.kinds import elbs, podspecs, secrets
from workloads.kinds.images import familiar
from workloads.kinds.podspecs import Specification
from workloads.kinds.schedules import ScheduleError
from workloads.meta.errors import Forbidden, StatusError
from workloads.meta.quantity import QuantityError

_FIRST_FIELDS = {"basic": "name", "access": "access", "schedule": "rule", "confirm": "confirm"}
_FIRST_OF_ADVANCED = {"Deployment": "strategy", "Job": "mode", "Pod": "restart_policy"}
_SECTIONS = {
    "start": ("command", "args", "working_dir", *handlers.HOOKS),
    "env": ("env-", "from-"),
    "health": tuple(handlers.CHECKS),
    "storage": ("mount-",),
}
"""The sections of a container that fold -> how the names of their fields begin."""
_ADVANCED_OF_NAMESPACE = ("warm_pool_size", "recycle_hours")


@dataclass(frozen=True)
class SizeOffer:
    """A pod specification that can be had, with its price."""

    value: str
    title: str
    rate: Rate | None


@dataclass(frozen=True)
class StepItem:
    name: str
    title: str
    current: bool
    done: bool


@dataclass(frozen=True)
class Run:
    """A time a CronJob runs at, in its zone."""

    moment: str
    """`Fri 27 Nov 2026, 03:00`."""
    zone: str
    away: str


def first_field(draft: WorkloadDraft, step: str) -> str:
    """Where one types on."""
    return _FIRST_FIELDS.get(step) or _FIRST_OF_ADVANCED[draft.KIND]


def namespace_context(client: Client, draft: NamespaceDraft, errors: Iterable[FieldError]) -> dict[str, Any]:
    have, limit = client.count("Namespace"), client.namespace_limit()
    return {
        "draft": draft,
        "focus": "name",
        "cidr_problem": namespaces.cidr_problem(draft.cidr) if draft.cidr else "",
        "free": namespaces.free_addresses(draft.cidr) if draft.cidr else None,
        "advanced_open": any(error.field in _ADVANCED_OF_NAMESPACE for error in errors),
        "warm_pool_most": settings.WARM_POOL,
        "gpus": ", ".join(f"{len(cards)} x {model}" for model, cards in settings.GPUS.items()),
        "have": have,
        "quota": ngettext(
            "You have %(have)d of %(limit)d namespace.", "You have %(have)d of %(limit)d namespaces.", limit
        )
        % {"have": have, "limit": limit},
        "full": have >= limit,
    }


def workload_context(
    client: Client, draft: WorkloadDraft, step: str, names: Sequence[str], errors: Iterable[FieldError]
) -> dict[str, Any]:
    at, steps, titles = draft.STEPS.index(step), draft.STEPS, step_titles()
    images, picks = client.images(), Picks.of(client, draft.namespace)
    following = steps[at + 1] if at + 1 < len(steps) else ""
    yaml = "---\n".join(manifests.text(manifest) for manifest in draft.everything)
    wrong = [error.field for error in errors]
    return {
        "draft": draft,
        "step": step,
        "steps": [StepItem(name, titles[name], name == step, steps.index(name) < at) for name in steps],
        "previous_step": steps[at - 1] if at else "",
        "next_step": following or "submit",
        "next_title": titles.get(following, ""),
        "namespaces": _namespace_choices(draft, names),
        "back": list_of(draft.KIND, draft.namespace if draft.namespace in names else ""),
        "sizes": [_offer(specification) for specification in offered.cards()],
        "cpu_rule": offered.cpu_rule(),
        "size_free": draft.pod.size.choice == FREE,
        "size_words": size_words(draft),
        "size_rules": draft.pod.size.rules(),
        "host_note": _host_note(client, draft),
        "nearest": [_offer(specification) for specification in draft.pod.size.nearest()],
        "pods_words": workload_words.pods(draft, size_words(draft)),
        "facts": workload_words.facts(draft),
        "rate": rate_of(draft),
        "price_note": workload_words.price_note(draft, rate_of(draft)),
        "images": [image.name for image in images],
        "containers": [
            _container_item(index, draft.pod, images, picks, wrong) for index in range(len(draft.pod.containers))
        ],
        "pull_secrets": picks.pull_choices(draft.pod.pull_secrets),
        "pull_command": f"kubectl -n {draft.namespace} create secret docker-registry my-registry "
        "--docker-server=REGISTRY --docker-username=USER --docker-password=PASSWORD",
        "kept": draft_yaml.kept_items(draft),
        "yaml": yaml,
        "command": f"kubectl apply -f - <<'EOF'\n{yaml}EOF",
        **_choices(),
        **(access_choices(client, draft.access, draft.namespace) if isinstance(draft, DeploymentDraft) else {}),
        **(_work_choices() if isinstance(draft, JobDraft | CronJobDraft) else {}),
        **(_schedule_context(draft, wrong) if isinstance(draft, CronJobDraft) else {}),
        **(_restart_choices() if isinstance(draft, BarePodDraft) else {}),
    }


def access_choices(client: Client, draft: AccessDraft, namespace: str) -> dict[str, Any]:
    """What one can choose from where it is said who reaches a workload, and the rows with the names of their fields."""
    certificates = _names(client, "Secret", namespace, field_selector=f"type={secrets.TLS}")
    chosen = [draft.certificate] if draft.certificate and draft.certificate not in certificates else []
    return {
        "access": draft,
        "reaches": [
            (access.NONE, _("Nobody"), _("Pods of this namespace reach its pods by their IP addresses.")),
            (access.INTERNAL, _("Internal"), _("A name and an address that stay, for the pods of this namespace.")),
            (access.PUBLIC, _("Public"), _("An address outside, on a load balancer (ELB).")),
        ],
        "layers": [
            (access.LAYER_7, _("HTTP and HTTPS"), _("By host and path; several workloads share a port.")),
            (access.LAYER_4, _("TCP and UDP"), _("Port by port, any protocol.")),
        ],
        "elb_choices": _elb_choices(client, draft),
        "protocols": [("TCP", "TCP"), ("UDP", "UDP")],
        "access_schemes": [(access.HTTP, "HTTP"), (access.HTTPS, "HTTPS")],
        "path_ways": [(access.PREFIX, _("and all below")), (access.EXACT, _("exactly"))],
        "certificates": [
            ("", _("Choose…")),
            *((name, name) for name in certificates),
            *((name, _("%(name)s (not there)") % {"name": name}) for name in chosen),
        ],
        "access_ports": [(f"access-port-{index}-", row) for index, row in enumerate(draft.ports)],
        "access_paths": [(f"access-path-{index}-", row) for index, row in enumerate(draft.paths)],
        "outlook": outlooks.of(client, draft, namespace),
    }


def _elb_choices(client: Client, draft: AccessDraft) -> list[tuple[str, str]]:
    try:
        known = client.list("ELB").items
    except Forbidden:
        known = []
    named = [(one["metadata"]["uid"], f"{one['metadata']['name']} ({elbs.address_of(one)})") for one in known]
    found = [(access.DEFAULT, _("the account’s default ELB")), *named]
    if client.may("create", "ELB"):
        found.append((access.NEW, _("a new one…")))
    gone = draft.elb not in [value for value, _words in found]
    return [*found, (draft.elb, _("%(name)s (not there)") % {"name": draft.elb})] if gone else found


def _names(client: Client, kind: str, namespace: str, *, field_selector: str) -> list[str]:
    """Nothing where one may not look, or the namespace is gone."""
    try:
        return [one["metadata"]["name"] for one in client.list(kind, namespace, field_selector=field_selector).items]
    except StatusError:
        return []


def step_titles() -> dict[str, str]:
    return {
        "basic": _("Basic information"),
        "access": _("Access"),
        "advanced": _("Advanced"),
        "schedule": _("Schedule"),
        "confirm": _("Confirm"),
    }


def list_of(kind: str, namespace: str) -> str:
    """The page one came from, most likely: the kind's list, or the overview while the kind has none."""
    plural = f"{kind.lower()}s"
    try:
        if namespace:
            return reverse(f"console:{plural}", kwargs={"namespace": namespace})
        return reverse(f"console:all-{plural}")
    except NoReverseMatch:
        return reverse("console:overview")


def rate_of(draft: WorkloadDraft) -> Rate | None:
    """What the bill will count for all the pods; None while the size or the number is none that can be had."""
    specification, pods = draft.pod.size.specification, draft.pods
    if specification is None or pods is None:
        return None
    return replace(_size(specification), **_cards(draft)).rate(pods=pods)


def _cards(draft: WorkloadDraft) -> dict[str, Any]:
    """The GPUs that the YAML asks for beside the form."""
    if not draft.kept:
        return {}
    try:
        asked = podspecs.effective_size(readfields.pod_spec(draft.TEMPLATE, draft.manifests()[0]))
    except (QuantityError, AttributeError, TypeError, ValueError):
        return {}
    return {"gpu": asked.gpu, "gpus": asked.gpus}


def size_words(draft: WorkloadDraft) -> str:
    """`1 core · 2 GiB`."""
    specification = draft.pod.size.specification
    return str(_size(specification)) if specification else "?"


def _host_note(client: Client, draft: WorkloadDraft) -> tuple[str, str]:
    """How loud, and whether pods of this size fit on the host; "" where that is not known."""
    room, specification = hostfits.room(client), draft.pod.size.specification
    if room is None or specification is None:
        return "", ""
    size = _size(specification)
    words, fits = {"size": str(size), "room": str(room.words)}, room.pods(size)
    if not fits:
        said = _("No pod of %(size)s fits on this host: it gives pods %(room)s together. It would wait for ever.")
        return "warn", said % words
    if draft.pods is not None and draft.pods > fits:
        said = ngettext(
            "This host gives pods %(room)s together: %(count)d of this size fits, the others would wait.",
            "This host gives pods %(room)s together: %(count)d of this size fit, the others would wait.",
            fits,
        )
        return "warn", said % {**words, "count": fits}
    said = ngettext(
        "Fits on this host: it gives pods %(room)s together, room for %(count)d of this size when it is empty.",
        "Fits on this host: it gives pods %(room)s together, room for %(count)d of this size when it is empty.",
        fits,
    )
    return "", said % {**words, "count": fits}


def _size(specification: Specification) -> Size:
    return Size(specification.cpu_millis, specification.memory_mib)


def _offer(specification: Specification) -> SizeOffer:
    size = _size(specification)
    return SizeOffer(specification.annotation(), str(size), size.rate())


def _namespace_choices(draft: WorkloadDraft, names: Sequence[str]) -> list[tuple[str, str]]:
    """One that went meanwhile stays chosen and says so: choosing another one silently would be worse."""
    gone = [(draft.namespace, _("%(name)s (gone)") % {"name": draft.namespace})]
    return [*((name, name) for name in names), *(gone if draft.namespace not in names else [])]


def _choices() -> dict[str, Any]:
    """The lists that are the same for every container."""
    return {
        "roles": [
            (MAIN, _("with the pod, all the time")),
            (INIT, _("before the others, and must end (init container)")),
        ],
        "pull_policies": [
            ("IfNotPresent", _("when it is not on this host")),
            ("Always", _("at every start")),
            ("Never", _("never: use what is here")),
        ],
        "check_ways": [
            ("", _("no check")),
            (handlers.HTTP, _("HTTP request")),
            (handlers.TCP, _("TCP connection")),
            (handlers.COMMAND, _("command in the container")),
        ],
        "hook_ways": [
            ("", _("nothing")),
            (handlers.COMMAND, _("command in the container")),
            (handlers.HTTP, _("HTTP request")),
            (handlers.SLEEP, _("sleep")),
        ],
        "schemes": [("HTTP", "HTTP"), ("HTTPS", "HTTPS")],
        "value_choice": [(VALUE, _("a value"))],
        "bag_choice": [("", _("Choose…"))],
        "directory_choices": [
            (storage.DISK, _("an empty directory on disk")),
            (storage.MEMORY, _("an empty directory in memory")),
        ],
    }


def _work_choices() -> dict[str, Any]:
    return {
        "restart_policies": [
            ("Never", _("a new pod takes over")),
            ("OnFailure", _("it is started again in the same pod")),
        ]
    }


def _restart_choices() -> dict[str, Any]:
    return {
        "restart_policies": [
            ("Always", _("always")),
            ("OnFailure", _("when it failed")),
            ("Never", _("never: it runs once")),
        ]
    }


def _schedule_context(draft: CronJobDraft, wrong: Sequence[str]) -> dict[str, Any]:
    names = workload_words.weekdays()
    work = draft.work
    changed = work.mode == CUSTOM or work.timeout.typed or work.retries.typed or work.ttl.typed
    return {
        "rules": workload_words.rules(),
        "minute_choices": [(str(number), str(number)) for number in schedules.EVERY],
        "weekdays": [(number, names[number], number in draft.schedule.weekdays) for number in schedules.WEEKDAYS],
        "policies": workload_words.policies(),
        "zones": _zones(),
        "work_open": changed or any(field in JOB_FIELDS for field in wrong),
        **_runs(draft),
    }


def _runs(draft: CronJobDraft) -> dict[str, Any]:
    """The next five times, or why there are none to show."""
    now = datetime.now(UTC)
    try:
        times = draft.schedule.following(now, 5)
    except ScheduleError as error:
        said = str(error)
        return {"runs": [], "runs_problem": said[:1].upper() + said[1:]}
    zone = draft.schedule.zone or "UTC"
    runs = [
        Run(
            moments.clock(moment),
            zone,
            _("in %(time)s") % {"time": age((moment - now).total_seconds())},
        )
        for moment in times
    ]
    return {"runs": runs, "runs_problem": ""}


@cache
def _zones() -> list[str]:
    """Places and UTC, without what only keeps old names alive."""
    return sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/")))


def _container_item(
    index: int, pod: PodDraft, images: Sequence[HostImage], picks: Picks, wrong: Sequence[str]
) -> dict[str, Any]:
    """A container with its rows, checks and hooks, and which of its sections stand open: those with something in
    them, or wrong."""
    container, prefix = pod.containers[index], f"containers-{index}-"
    env_groups = [(_("The pod"), list(container_words.field_words().items())), *picks.keys()]
    mount_groups = [*picks.whole(), *picks.claimed()]
    words = {
        "start": container_words.start(container) or container.working_dir,
        "env": container_words.variables(container),
        "health": container_words.health(container),
        "storage": container_words.mounted(container),
    }
    filled = {"env": container.env or container.env_from, "storage": container.mounts}
    return {
        "index": index,
        "number": str(index),
        "prefix": prefix,
        "draft": container,
        "here": _on_this_host(container, images),
        "env": [
            {"prefix": f"{prefix}env-{row}-", "draft": one, "groups": picks.with_chosen(env_groups, one.source)}
            for row, one in enumerate(container.env)
        ],
        "sources": [
            {"prefix": f"{prefix}from-{row}-", "draft": one, "groups": picks.with_chosen(picks.whole(), one.source)}
            for row, one in enumerate(container.env_from)
        ],
        "mounts": [
            {"prefix": f"{prefix}mount-{row}-", "draft": one, "groups": picks.with_chosen(mount_groups, one.what)}
            for row, one in enumerate(container.mounts)
        ],
        "checks": [
            {"word": word, "prefix": f"{prefix}{word}-", "title": title, "hint": hint, "draft": container.checks[word]}
            for word, (title, hint) in container_words.check_titles().items()
        ],
        "hooks": [
            {"word": word, "prefix": f"{prefix}{word}-", "title": title, "hint": hint, "draft": container.hooks[word]}
            for word, (title, hint) in container_words.hook_titles().items()
        ],
        "words": words,
        "open": {
            name: bool(said or filled.get(name)) or _any_wrong(prefix, name, wrong) for name, said in words.items()
        },
        "facts": container_words.facts(pod, container),
    }


def _any_wrong(prefix: str, section: str, wrong: Sequence[str]) -> bool:
    return any(field.startswith(f"{prefix}{word}") for field in wrong for word in _SECTIONS[section])


def _on_this_host(container: ContainerDraft, images: Sequence[HostImage]) -> str:
    """`2.0 MB`, or "" when it is not known to be here."""
    name = familiar(container.reference)
    return next((filesizeformat(image.size_bytes) for image in images if image.name == name), "")
