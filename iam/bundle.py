"""`cci-iam-authenticator` as one file that any Python from 3.9 on runs: for the console to hand out, and on the host

    python -m iam.bundle FILE

It is a zip of `iam/authenticator` behind a line that names the interpreter, the same bytes for the same sources.
"""

from __future__ import annotations

import functools
import io
import sys
import zipfile
from pathlib import Path

from iam.authenticator import NAME as NAME

_MAIN = """\
import sys

if sys.version_info < (3, 9):
    sys.exit("cci-iam-authenticator needs Python 3.9 or newer; this is " + sys.version.split()[0])

from iam.authenticator.cli import main

sys.exit(main())
"""
_MADE = (2026, 1, 1, 0, 0, 0)


@functools.cache
def content() -> bytes:
    """The file's bytes."""
    room = Path(__file__).parent / "authenticator"
    sources = {"__main__.py": _MAIN, "iam/__init__.py": ""}
    sources |= {f"iam/authenticator/{path.name}": path.read_text() for path in sorted(room.glob("*.py"))}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sources.items():
            archive.writestr(zipfile.ZipInfo(name, _MADE), source, zipfile.ZIP_DEFLATED)
    return b"#!/usr/bin/env python3\n" + packed.getvalue()


def write(path: Path) -> None:
    """An executable file, replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content())
    partial.chmod(0o755)
    partial.replace(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
