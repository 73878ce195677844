"""Makes `messages.json.gz`, the table of field names and numbers that the decoder reads, from a kubectl binary.

    python -m workloads.kubeapi.protobuf.generate /usr/local/bin/kubectl-1.33

Go programs carry the descriptors of their protobuf messages, gzipped, in their read-only data. The committed table was
made from kubectl v1.33.1 (Kubernetes, Apache-2.0, https://github.com/kubernetes/kubernetes, `generated.proto` files).
Names and numbers of fields are facts of the wire format; no code comes with them.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError

TABLE = Path(__file__).with_name("messages.json.gz")
_GZIP_START = re.compile(rb"\x1f\x8b\x08\x00\x00\x00\x00\x00[\x00\x02\x04]\xff")
_LONGEST_DESCRIPTOR = 2_000_000

Messages = dict[str, dict[str, list[str | int | bool]]]


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m workloads.kubeapi.protobuf.generate KUBECTL")
    messages = messages_of(Path(sys.argv[1]).read_bytes())
    if not messages:
        raise SystemExit(f"{sys.argv[1]} carries no Kubernetes descriptors. Is it a kubectl binary?")
    text = json.dumps(messages, sort_keys=True, separators=(",", ":"))
    TABLE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    sys.stdout.write(f"{len(messages)} messages in {TABLE}\n")


def messages_of(binary: bytes) -> Messages:
    """message -> number -> [name, type, message it refers to, repeated, map]."""
    found: Messages = {}
    for file in _descriptors(binary):
        for message in file.message_type:
            _add(found, f"{file.package}.{message.name}", message)
    return found


def _descriptors(binary: bytes) -> Iterator[FileDescriptorProto]:
    for match in _GZIP_START.finditer(binary):
        try:
            raw = zlib.decompressobj(31).decompress(binary[match.start() : match.start() + _LONGEST_DESCRIPTOR])
            file = FileDescriptorProto.FromString(raw)
        except (zlib.error, DecodeError):
            continue
        if file.name.startswith("k8s.io/"):
            yield file


def _add(found: Messages, name: str, message: DescriptorProto) -> None:
    maps = {f".{name}.{nested.name}" for nested in message.nested_type if nested.options.map_entry}
    found[name] = {
        str(field.number): [
            field.name,
            field.type,
            field.type_name.lstrip("."),
            field.label == FieldDescriptorProto.LABEL_REPEATED,
            field.type_name in maps,
        ]
        for field in message.field
    }
    for nested in message.nested_type:
        _add(found, f"{name}.{nested.name}", nested)


if __name__ == "__main__":
    main()
