"""Every setting the product reads from its environment, with its default and what it means."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workloads.meta import quantity


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("CCI_DATA_DIR", "data", "Where all state lives: database, secrets, logs, sockets."),
    Setting("CCI_HOST", "127.0.0.1", "Address the console and the Kubernetes API listen on."),
    Setting("CCI_PORT", "8000", "Port of the console."),
    Setting("CCI_API_PORT", "6443", "Port of the Kubernetes API and IAM (TLS)."),
    Setting("CCI_API_PROCESSES", "", "Processes of that port under `make run`. Empty: 2, on a single CPU 1."),
    Setting("CCI_API_URL", "", "Kubernetes API as users reach it. Empty: https, CCI_HOST and CCI_API_PORT."),
    Setting(
        "CCI_POD_API", "10.247.0.1", "Address where pods find the API (port 443); each installation its own. none: no."
    ),
    Setting("CCI_ADMIN_PASSWORD", "", "Password of the first user (demo/admin). Empty: generated at the first start."),
    Setting("CCI_OPERATOR_ACCOUNT", "demo", "Account whose administrators run this installation: prices, credit."),
    Setting("CCI_IDLE_MINUTES", "480", "Minutes without a click after which the console signs a person out."),
    Setting("CCI_KEY_FILE", "", "Key that encrypts access keys' secrets. Empty: secrets/vault.key in CCI_DATA_DIR."),
    Setting("CCI_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]", "Host names the console answers to, comma separated."),
    Setting("CCI_TRUSTED_ORIGINS", "", "Origins forms may come from when behind a proxy, comma separated."),
    Setting("CCI_DEBUG", "0", "1 shows tracebacks on error pages. Never in production."),
    Setting("CCI_LOG_LEVEL", "INFO", "Least severe log level written."),
    Setting("CCI_REGION", "cn-north-4", "Region whose prices apply and which kubeconfigs name."),
    Setting("CCI_BILL_FAILED_PULLS", "1", "0: an image pull that never leads to a start is free. 1: billed as any."),
    Setting("CCI_HOST_LOST_MINUTES", "60", "Silence of the agent after which pods are billed to its last word."),
    Setting("CCI_RUNTIME", "docker", "What runs pods: docker, or simulated for scale tests."),
    Setting("CCI_NODE_NAME", "", "Name of this host's virtual node. Empty: the host name."),
    Setting("CCI_VOLUMES_DIR", "", "Where pods' volumes lie; the daemon sees the same path. Empty: in CCI_DATA_DIR."),
    Setting("CCI_LOG_DIR", "", "Where logs of containers that are gone are kept. Empty: logs/pods in CCI_DATA_DIR."),
    Setting("CCI_LOG_RETENTION_DAYS", "7", "Days for which those logs are kept, and it is known how their pods ended."),
    Setting("CCI_LOG_RETENTION_GIB", "10", "GiB of disk they may take; accounts with the most give way first."),
    Setting("CCI_AUDIT_DAYS", "365", "Days for which the audit trail is kept."),
    Setting("CCI_STORAGE_CLASSES", "", "Folders for claims by class, as in ssd=/mnt/ssd. Others: CCI_VOLUMES_DIR."),
    Setting("CCI_AGENT_SOCKET", "", "Unix socket of the node agent. Empty: agent.sock beside the other sockets."),
    Setting("CCI_OVERCOMMIT", "4", "How many times the host's CPU may be promised to pods; memory is promised once."),
    Setting("CCI_GPUS", "", "The host's cards in nvidia-smi's order, such as nvidia.com/gpu-tesla-t4=2. Empty: none."),
    Setting("CCI_RESERVED_MEMORY", "256Mi", "Memory of the host that pods do not get, such as 2Gi; 0 gives them all."),
    Setting("CCI_IMAGE_GC_HIGH_PERCENT", "85", "Fuller than this, unused images of pods are removed; 100: never."),
    Setting("CCI_IMAGE_GC_LOW_PERCENT", "80", "How full the disk may be when images cease to be removed."),
    Setting("CCI_IMAGE_GC_MIN_AGE_SECONDS", "120", "How long an image has been unused before it may be removed."),
    Setting("CCI_DISK_FREE_PERCENT", "10", "With less of the disk free than this, no pod gets a place; 0: never mind."),
    Setting("CCI_WARM_POOL", "2", "Ready sandboxes kept for each namespace that asks for a warm pool, at most."),
    Setting("CCI_OFF_GRID", "refuse", "What happens to a pod off the specification grid: refuse or round."),
    Setting("CCI_NAMESPACE_QUOTA", "5", "Namespaces an account may have, unless the account says otherwise."),
    Setting("CCI_BUDGET_RESERVE_MINUTES", "5", "Minutes of burn rate that must fit into a budget before more may run."),
    Setting("CCI_ARREARS_GRACE_HOURS", "24", "Hours a prepaid account without money goes on before it is frozen."),
    Setting("CCI_EMAIL_URL", "", "Mail server: smtp, smtp+starttls or smtps://user:password@host. Empty: the log."),
    Setting("CCI_EMAIL_FROM", "cci@localhost", "Address that notifications are sent from."),
    Setting("CCI_WEBHOOK_PRIVATE", "0", "1 lets webhooks reach loopback, private and link-local addresses."),
    Setting("CCI_ELB_QUOTA", "10", "ELBs an account may have, unless the account says otherwise."),
    Setting("CCI_WORKER_THREADS", "4", "Reconciles a worker runs at the same time."),
    Setting("CCI_READ_CACHE", "256Mi", "Memory in which a web process keeps objects for reads; 0 reads the database."),
    Setting(
        "CCI_DNS", "10.247.0.10", "Address where pods ask for names; each installation its own. none: Docker's own DNS."
    ),
    Setting("CCI_ELB_POOL", "127.77.0.0/16", "Addresses for ELBs; each installation its own. none: no ELBs."),
    Setting("CCI_SHORTEST_IDLE", "30", "Seconds without a request that scale to zero waits at least."),
    Setting("CCI_POD_CIDR", "10.248.0.0/14", "Range from which namespaces that name no CIDR get their network."),
)
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def get(name: str) -> str:
    """The value of a declared setting. An undeclared name is a programming error (KeyError)."""
    return os.environ.get(name) or _DEFAULTS[name]


def number(name: str) -> int:
    """Raises SystemExit with a sentence when the value is no whole number."""
    text = get(name)
    try:
        return int(text)
    except ValueError:
        raise SystemExit(f"{name}={text!r} is not a whole number.") from None


def amount(name: str) -> int:
    """A number of bytes, written as Kubernetes does (2Gi, 512Mi). Raises SystemExit with a sentence otherwise."""
    problem = quantity.problem(get(name))
    if problem or quantity.parse(get(name)) < 0:
        raise SystemExit(f"{name}={get(name)!r} is not an amount of memory, such as 512Mi or 2Gi.")
    return quantity.whole(get(name))


def mail(name: str) -> dict[str, object]:
    """Django's EMAIL_* settings for `smtp://`, `smtp+starttls://` or `smtps://`, or `file:///folder`; into the log
    where nothing is said. Raises SystemExit with a sentence."""
    text = get(name)
    if not text:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(text)
    if parts.scheme == "file" and parts.path:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": parts.path}
    if parts.scheme not in _MAIL_PORTS or not parts.hostname:
        raise SystemExit(
            f"{name} is no mail server: write smtp://host:25, smtp+starttls://user:password@host or smtps://"
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or _MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 10,
    }


_MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def percent(name: str, *, most: int = 100) -> int:
    """Raises SystemExit with a sentence when it is none."""
    found = number(name)
    if not 0 <= found <= most:
        raise SystemExit(f"{name}={found} is not a percentage from 0 to {most}.")
    return found


def cards(name: str) -> dict[str, tuple[str, ...]]:
    """`model=count`, comma separated, as the numbers of each model's cards: `a=1,b=2,a=1` are a: 0 and 3, b: 1 and 2.
    Raises SystemExit with a sentence."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in get(name).split(","))):
        model, _, count = part.partition("=")
        if not (model.startswith("nvidia.com/gpu-") and count.isascii() and count.isdigit() and 0 < int(count) <= 64):
            raise SystemExit(f"{name}: {part!r} is not a card and how many: write nvidia.com/gpu-tesla-t4=2")
        first = sum(map(len, found.values()))
        numbers = tuple(str(first + number) for number in range(int(count)))
        found[model] = found.get(model, ()) + numbers
    return found


def address(name: str) -> str:
    """An IPv4 address, or "" for `none`. Raises SystemExit with a sentence otherwise."""
    text = get(name)
    if text == "none":
        return ""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise SystemExit(f"{name}={text!r} is neither an IPv4 address nor none.") from None


def network(name: str) -> ipaddress.IPv4Network | None:
    """An IPv4 range, or None for `none`. Raises SystemExit with a sentence otherwise."""
    text = get(name)
    if text == "none":
        return None
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        raise SystemExit(f"{name}={text!r} is neither an IPv4 range, such as 192.0.2.0/28, nor none.") from None


def flag(name: str) -> bool:
    return get(name).lower() in ("1", "true", "yes", "on")


def paths(name: str) -> dict[str, Path]:
    """`a=/x,b=/y` by name. Raises SystemExit with a sentence when the value is none."""
    found = {}
    for part in filter(None, (one.strip() for one in get(name).split(","))):
        key, equals, path = part.partition("=")
        if not equals or not key.strip() or not path.strip().startswith("/"):
            raise SystemExit(f"{name}: {part!r} is not name=/absolute/path; write them with commas between.")
        found[key.strip()] = Path(path.strip())
    return found


def data_dir() -> Path:
    """Made at the first start for its owner alone: password hashes and Secrets live in it. One that exists is left as
    it is."""
    place = Path(get("CCI_DATA_DIR")).resolve()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def run_dir(data_dir: Path) -> Path:
    """Where sockets live: data/run, or a short path in /tmp when that does not fit into a socket address."""
    place = data_dir / "run"
    if len(str(place)) < 80:
        return place
    return Path("/tmp") / f"cci-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]}"  # noqa: S108


def secret(data_dir: Path, name: str) -> str:
    """A random secret made at the first start and kept under `data_dir`/secrets, readable by its owner only."""
    path = data_dir / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return path.read_text()
    except FileNotFoundError:
        value = secrets.token_urlsafe(48)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.touch(mode=0o600)
        partial.write_text(value)
        try:
            os.link(partial, path)
        except FileExistsError:
            value = path.read_text()
        partial.unlink()
        return value
