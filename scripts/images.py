"""Small images built on this machine: busybox for tests, a web server for the demonstration. No registry is asked.

The one program in them is Debian's static busybox: the installed one, or that of the package, which is downloaded and
unpacked without being installed.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

DEMO_IMAGE = "cci/demo-web:2"
BUSYBOX_IMAGE = "cci-test/busybox:1"

_PAGE = """<!doctype html>
<title>It runs</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:18vh auto;padding:0 1rem;color:#1c2733}</style>
<h1>It runs</h1>
<p>This page comes from a container of image <code>cci/demo-web</code>,
built on your own machine and started by CCI.</p>
"""


class ImageNotBuilt(Exception):
    """The text says what was missing."""


def build_busybox(tag: str = BUSYBOX_IMAGE) -> str:
    """An image with a shell and all of busybox, as the public `busybox:1.36`. Returns `tag`."""
    return _import(tag, files={}, changes=['CMD ["sh"]'])


def build_demo_image(tag: str = DEMO_IMAGE) -> str:
    """An image that serves one page on port 80 and stops when it is asked to (as process 1 httpd alone would not hear
    SIGTERM). Returns `tag`."""
    serve = "trap 'exit 0' TERM INT; httpd -f -v -p 80 -h /www & wait"
    changes = [f"CMD {json.dumps(['sh', '-c', serve])}", "EXPOSE 80"]
    return _import(tag, files={"www/index.html": _PAGE.encode()}, changes=changes)


def _import(tag: str, *, files: dict[str, bytes], changes: list[str]) -> str:
    """Leaves an image of that name alone: these images never change under one name."""
    if subprocess.run(["docker", "image", "inspect", tag], capture_output=True).returncode == 0:
        return tag
    options = [word for change in changes for word in ("--change", change)]
    _run(["docker", "import", *options, "-", tag], stdin=_archive(busybox(), files))
    return tag


def busybox() -> bytes:
    """The program: static, so that it runs in an empty image."""
    installed = Path("/bin/busybox")
    if installed.exists() and b"ld-linux" not in installed.read_bytes()[:4096]:
        return installed.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        # apt gives up its rights for downloads, and could not write into a folder of ours
        Path(folder).chmod(0o755)
        _run(["apt-get", "-o", "APT::Sandbox::User=root", "download", "busybox-static"], folder=folder)
        package = next(Path(folder).glob("busybox-static_*.deb"))
        _run(["dpkg-deb", "-x", str(package), "unpacked"], folder=folder)
        found = [place for place in Path(folder, "unpacked").rglob("busybox") if place.is_file()]
        return max(found, key=lambda place: place.stat().st_size).read_bytes()


def _archive(program: bytes, files: dict[str, bytes]) -> bytes:
    """A root file system: busybox under all its names, the usual folders, and `files`."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for folder in ("bin", "etc", "tmp", "var", "root", "www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        _add(archive, "bin/busybox", program, mode=0o755)
        _add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        _add(archive, "etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        for applet in _applets(program):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, content in files.items():
            _add(archive, name, content)
    return output.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _applets(program: bytes) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "busybox")
        place.write_bytes(program)
        place.chmod(0o755)
        names = subprocess.run([place, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return [name for name in names if name != "busybox"]


def _run(command: list[str], *, stdin: bytes | None = None, folder: str | None = None) -> bytes:
    """Raises ImageNotBuilt with the program's own words."""
    try:
        done = subprocess.run(command, input=stdin, cwd=folder, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise ImageNotBuilt(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise ImageNotBuilt(f"{' '.join(command[:3])}: {error.stderr.decode(errors='replace').strip()}") from error
    return done.stdout


if __name__ == "__main__":
    print(json.dumps({"built": [build_busybox(), build_demo_image()]}))
