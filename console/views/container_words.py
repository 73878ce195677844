"""A container of a draft in short sentences: beside the heads of its sections, and all of it before one confirms."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import sizes
from console.forms import environment, handlers, storage
from console.forms.containers import ContainerDraft
from console.forms.environment import EnvDraft, EnvFromDraft
from console.forms.handlers import ActionDraft, CheckDraft
from console.forms.podtemplates import PodDraft
from console.forms.storage import MountDraft
from workloads.meta import quantity


def field_words() -> dict[str, str]:
    """What `console.forms.environment` can take from the pod itself."""
    return {
        "PodIP": _("the pod's IP"),
        "PodName": _("the pod's name"),
        "Namespace": _("the pod's namespace"),
        "PodUID": _("the pod's UID"),
        "NodeName": _("the node's name"),
        "HostIP": _("the host's IP"),
        "ServiceAccount": _("the service account's name"),
        "LimitCPU": _("this container's CPU, in cores"),
        "LimitMemory": _("this container's memory, in bytes"),
    }


def check_titles() -> dict[str, tuple[str, str]]:
    """Title, and what it is for."""
    return {
        "liveness": (_("Liveness check"), _("Is it still alive? If not, the container is restarted.")),
        "readiness": (
            _("Readiness check"),
            _("Can it answer now? If not, the pod counts as not ready; nothing is restarted."),
        ),
        "startup": (
            _("Startup check"),
            _("Has it finished starting? Until it has, the other two checks wait; if it never does, it is restarted."),
        ),
    }


def hook_titles() -> dict[str, tuple[str, str]]:
    return {
        "post-start": (_("After the start"), _("Done right after the container was started (PostStart).")),
        "pre-stop": (
            _("Before the stop"),
            _("Done before the container is asked to stop (PreStop); it counts into the termination grace period."),
        ),
    }


def start(container: ContainerDraft) -> str:
    """Command and hooks, for the head of their section."""
    parts = [" ".join(part for part in (container.command, container.args) if part)]
    parts += [title for word, (title, _hint) in hook_titles().items() if container.hooks[word].way]
    return _joined(parts)


def variables(container: ContainerDraft) -> str:
    parts = []
    if count := sum(not one.blank for one in container.env):
        parts.append(ngettext("%(count)d variable", "%(count)d variables", count) % {"count": count})
    parts += [_source(one.source) for one in container.env_from if not one.blank]
    return _joined(parts)


def health(container: ContainerDraft) -> str:
    return _joined(f"{word} {action(check.action)}" for word, check in container.checks.items() if check.action.way)


def mounted(container: ContainerDraft) -> str:
    return _joined(one.path for one in container.mounts if not one.blank)


def facts(pod: PodDraft, container: ContainerDraft) -> list[tuple[str, list[str]]]:
    """Everything that is chosen for it: a title, and its lines."""
    memory = container.memory or pod.gib
    share = _("%(cpu)s, %(memory)s GiB at most") % {"cpu": _cores(container.cpu or pod.cores), "memory": memory}
    if not (container.cpu or container.memory):
        share = _("all of the pod specification")
    titles = check_titles()
    listed = [
        (_("Runs"), [] if container.is_main else [_("before the others, and must end (init container)")]),
        (_("May use"), [share]),
        (_("Command"), [container.command] if container.command else []),
        (_("Arguments"), [container.args] if container.args else []),
        (_("Working directory"), [container.working_dir] if container.working_dir else []),
        (_("Environment"), [*_from_lines(container.env_from), *_env_lines(container.env)]),
        *((titles[word][0], [check_line(one)]) for word, one in container.checks.items() if one.action.way),
        *((hook_titles()[word][0], [action(one)]) for word, one in container.hooks.items() if one.way),
        (_("Storage"), [mount_line(one) for one in container.mounts if not one.blank]),
    ]
    return [(title, lines) for title, lines in listed if lines]


def _cores(typed: str) -> str:
    """`0.25 cores`, also where a manifest says `250m`."""
    try:
        return sizes.cores(quantity.millicores(typed))
    except quantity.QuantityError:
        return _("%(cpu)s cores") % {"cpu": typed}


def action(draft: ActionDraft) -> str:
    """`HTTP :80/healthz`."""
    if draft.way == handlers.COMMAND:
        return draft.command
    if draft.way == handlers.SLEEP:
        return _("sleep %(seconds)s s") % {"seconds": draft.seconds}
    if draft.way == handlers.TCP:
        return f"TCP :{draft.port}"
    path = draft.path or "/"
    return f"{draft.scheme} :{draft.port}{path if path.startswith('/') else '/' + path}"


def check_line(check: CheckDraft) -> str:
    numbers = check.numbers
    words = {"what": action(check.action), "period": numbers["period"], "failure": numbers["failure"]}
    return _("%(what)s, every %(period)s s; %(failure)s failures count as down") % words


def mount_line(mount: MountDraft) -> str:
    if mount.empty:
        what = _("empty directory in memory") if mount.what == storage.MEMORY else _("empty directory on disk")
        what += f" “{mount.name}”" if mount.name else ""
        what += _(", %(limit)s GiB at most") % {"limit": mount.limit} if mount.limit.isdigit() else ""
    else:
        what = _source(mount.what)
    what += f" ({mount.sub_path})" if mount.sub_path else ""
    return f"{mount.path}: {what}" + (_(", read-only") if mount.read_only else "")


def _env_lines(found: tuple[EnvDraft, ...]) -> Iterator[str]:
    words = field_words()
    for one in found:
        if one.blank:
            continue
        if one.source == environment.VALUE:
            yield f"{one.name} = {one.value}"
        elif one.source in words:
            yield f"{one.name} = {words[one.source]}"
        else:
            yield f"{one.name} = {_source(one.source)}"


def _from_lines(found: tuple[EnvFromDraft, ...]) -> Iterator[str]:
    for one in found:
        if not one.blank:
            said = _("all keys of %(source)s") % {"source": _source(one.source)}
            yield said + (_(", each with %(prefix)s before it") % {"prefix": one.prefix} if one.prefix else "")


def _source(word: str) -> str:
    """`configMap/settings/COLOUR` -> `ConfigMap settings: COLOUR`."""
    kind, _sep, rest = word.partition("/")
    name, _sep, key = rest.partition("/")
    title = {"configMap": _("ConfigMap"), "secret": _("Secret"), storage.CLAIM: _("claim")}.get(kind, kind)
    return f"{title} {name}" + (f": {key}" if key else "")


def _joined(parts: Iterator[str] | list[str]) -> str:
    return " · ".join(part for part in parts if part)
