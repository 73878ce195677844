"""The image of the pause container, made here from nothing: no registry to pull it from, no compiler to build it with.

`pause` owns a pod's network namespace and does nothing but reap. Its whole program, for both processors:

    rt_sigaction(SIGCHLD, {SIG_IGN}, NULL, 8)    whoever dies as its child, in a shared process namespace, is reaped
    rt_sigprocmask(SIG_BLOCK, {SIGINT, SIGQUIT, SIGTERM}, NULL, 8)    a blocked signal reaches even process 1
    while rt_sigtimedwait({SIGINT, SIGQUIT, SIGTERM}, NULL, NULL, 8) < 0: again
    exit_group(0)

The bytes below are that program, assembled by hand, one instruction a line; `elf` puts the header in front.
"""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile

REPOSITORY = "cci/pause"
ENTRYPOINT = "/pause"

_SIGNALS = struct.pack("<Q", 1 << (2 - 1) | 1 << (3 - 1) | 1 << (15 - 1))

_IGNORE = struct.pack("<4Q", 1, 0, 0, 0)

_X86_64 = bytes.fromhex(
    "b80d000000"  # mov  eax, 13 (rt_sigaction)
    "bf11000000"  # mov  edi, 17 (SIGCHLD)
    "488d354f000000"  # lea  rsi, [rip + ignore]
    "31d2"  # xor  edx, edx
    "41ba08000000"  # mov  r10d, 8
    "0f05"  # syscall
    "b80e000000"  # mov  eax, 14 (rt_sigprocmask)
    "31ff"  # xor  edi, edi (SIG_BLOCK)
    "488d352f000000"  # lea  rsi, [rip + signals]
    "31d2"  # xor  edx, edx
    "41ba08000000"  # mov  r10d, 8
    "0f05"  # syscall
    "b880000000"  # wait: mov eax, 128 (rt_sigtimedwait)
    "488d3d19000000"  # lea  rdi, [rip + signals]
    "31f6"  # xor  esi, esi
    "31d2"  # xor  edx, edx
    "41ba08000000"  # mov  r10d, 8
    "0f05"  # syscall
    "85c0"  # test eax, eax
    "78e4"  # js   wait
    "b8e7000000"  # mov  eax, 231 (exit_group)
    "31ff"  # xor  edi, edi
    "0f05"  # syscall
)

_AARCH64 = struct.pack(
    "<22I",
    0xD28010C8,  # mov  x8, #134 (rt_sigaction)
    0xD2800220,  # mov  x0, #17 (SIGCHLD)
    0x100002C1,  # adr  x1, ignore
    0xD2800002,  # mov  x2, #0
    0xD2800103,  # mov  x3, #8
    0xD4000001,  # svc  #0
    0xD28010E8,  # mov  x8, #135 (rt_sigprocmask)
    0xD2800000,  # mov  x0, #0 (SIG_BLOCK)
    0x100001C1,  # adr  x1, signals
    0xD2800002,  # mov  x2, #0
    0xD2800103,  # mov  x3, #8
    0xD4000001,  # svc  #0
    0xD2801128,  # wait: mov x8, #137 (rt_sigtimedwait)
    0x10000120,  # adr  x0, signals
    0xD2800001,  # mov  x1, #0
    0xD2800002,  # mov  x2, #0
    0xD2800103,  # mov  x3, #8
    0xD4000001,  # svc  #0
    0xB7FFFF40,  # tbnz x0, #63, wait
    0xD2800BC8,  # mov  x8, #94 (exit_group)
    0xD2800000,  # mov  x0, #0
    0xD4000001,  # svc  #0
)

_PROGRAMS = {"x86_64": (62, _X86_64), "aarch64": (183, _AARCH64)}
"""By the daemon's word for its processor: ELF machine number and program."""


class UnknownProcessor(ValueError):
    """There is no pause program for it."""


def image_name(architecture: str) -> str:
    """`cci/pause:<digest>`: another program gets another name, so an old image is never mistaken for it."""
    return f"{REPOSITORY}:{hashlib.sha256(elf(architecture)).hexdigest()[:12]}"


def image_tar(architecture: str) -> bytes:
    """The image's one layer, ready for `docker import`."""
    program = elf(architecture)
    entry = tarfile.TarInfo(ENTRYPOINT.lstrip("/"))
    entry.size, entry.mode = len(program), 0o755
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(program))
    return output.getvalue()


def elf(architecture: str) -> bytes:
    """A static executable of one segment. Raises UnknownProcessor."""
    if architecture not in _PROGRAMS:
        known = " and ".join(_PROGRAMS)
        raise UnknownProcessor(f"no pause program for processor {architecture!r}: only for {known}")
    machine, code = _PROGRAMS[architecture]
    code += _SIGNALS + _IGNORE
    base, headers = 0x400000, 64 + 56
    size = headers + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x10000)
    return identity + header + segment + code
