"""The image of a web server for benchmarks: this host's nginx (`apt-get install nginx-light`) and the libraries it
needs, 9 MB. One process a pod, which ends the moment it is told to, with whatever is under way."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

IMAGE = "cci-bench/nginx:1"
PORT = 8080
_CONFIG = f"""
daemon off; master_process off; pid /tmp/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_timeout 65s; keepalive_requests 1000000;
    server {{ listen {PORT} backlog=4096; location / {{ return 200 "$hostname\\n"; }} }}
}}
"""


def build() -> str:
    """Returns the image's name. An image of that name is left alone."""
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True).returncode == 0:
        return IMAGE
    program = shutil.which("nginx")
    if program is None:
        raise SystemExit("nginx is missing: apt-get install nginx-light")
    change = 'CMD ["/nginx", "-e", "stderr", "-c", "/nginx.conf"]'
    command = ["docker", "import", "--change", change, "-", IMAGE]
    subprocess.run(command, input=_archive(Path(program)), check=True, capture_output=True)
    return IMAGE


def _archive(program: Path) -> bytes:
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for folder in ("tmp", "var/lib/nginx"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777
            archive.addfile(entry)
        _add(archive, "nginx", program.read_bytes())
        _add(archive, "nginx.conf", _CONFIG.encode())
        _add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        _add(archive, "etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        for library in re.findall(r"(/\S+) \(0x", said):
            _add(archive, library.removeprefix("/"), Path(library).read_bytes())
    return output.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    archive.addfile(entry, io.BytesIO(content))
