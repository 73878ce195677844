"""Kubernetes' protobuf request bodies to the dict that the same object would be as JSON.

kubectl 1.32 and later send `application/vnd.kubernetes.protobuf` for typed requests (`create namespace`, `create
deployment`) and do not try again with JSON. One generic decoder reads every message by the table in `messages.json.gz`;
answers are always JSON, which every client accepts.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from workloads.meta.errors import BadRequest

MAGIC = b"k8s\x00"

_BOOL, _STRING, _MESSAGE, _BYTES = 8, 9, 11, 12
_VARINT, _FIXED64, _BYTES_WIRE, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 64
_META = "k8s.io.apimachinery.pkg.apis.meta.v1"
_META_KINDS = ("DeleteOptions", "CreateOptions", "PatchOptions", "UpdateOptions", "Status")

_INLINED = frozenset(
    (
        "volumeSource",
        "persistentVolumeSource",
        "handler",
        "localObjectReference",
        "ephemeralContainerCommon",
        "ingressRuleValue",
    )
)
"""Go embeds these structs: as JSON their fields stand beside the others."""

_ZERO_MEANS_SOMETHING = frozenset(
    (
        "activeDeadlineSeconds",
        "allocateLoadBalancerNodePorts",
        "allowPrivilegeEscalation",
        "automountServiceAccountToken",
        "averageUtilization",
        "backoffLimit",
        "backoffLimitPerIndex",
        "blockOwnerDeletion",
        "completions",
        "controller",
        "defaultMode",
        "deletionGracePeriodSeconds",
        "enableServiceLinks",
        "expirationSeconds",
        "failedJobsHistoryLimit",
        "fsGroup",
        "gracePeriodSeconds",
        "hostUsers",
        "immutable",
        "maxFailedIndexes",
        "minReplicas",
        "mode",
        "optional",
        "orphanDependents",
        "parallelism",
        "priority",
        "privileged",
        "progressDeadlineSeconds",
        "publishNotReadyAddresses",
        "readOnlyRootFilesystem",
        "replicas",
        "revisionHistoryLimit",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "stabilizationWindowSeconds",
        "startingDeadlineSeconds",
        "successfulJobsHistoryLimit",
        "suspend",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
        "ttlSecondsAfterFinished",
    )
)
"""Go pointers: on the wire only when set, so a 0 or false there was meant. Other empty scalars were never set."""


class _Field(NamedTuple):
    name: str
    type: int
    ref: str
    repeated: bool
    map: bool


class _Damaged(Exception):
    pass


def decode(body: bytes) -> dict[str, Any]:
    """The object in `body`. Raises BadRequest when it is damaged or of a message this product has no table for."""
    if not body.startswith(MAGIC):
        raise BadRequest("the body is not a Kubernetes protobuf message: it does not start with its four magic bytes")
    try:
        return _envelope(body[len(MAGIC) :])
    except (_Damaged, IndexError, ValueError, OverflowError) as damage:
        raise BadRequest(f"the protobuf body cannot be decoded: {damage}") from None


def _envelope(body: bytes) -> dict[str, Any]:
    unknown = {number: value for number, _, value in _wire(body)}
    types = {number: _text(value) for number, _, value in _wire(_bytes(unknown.get(1, b"")))}
    api_version, kind = types.get(1, ""), types.get(2, "")
    message = _message_name(api_version, kind)
    if message not in _table():
        raise BadRequest(
            f'no protobuf message is known for kind "{kind}" in version "{api_version}": send JSON instead'
        )
    decoded = _message(message, _bytes(unknown.get(2, b"")), depth=0)
    return {"apiVersion": api_version, "kind": kind, **decoded}


def _message_name(api_version: str, kind: str) -> str:
    if kind in _META_KINDS:
        return f"{_META}.{kind}"
    group, _, version = api_version.rpartition("/")
    return f"k8s.io.api.{group.split('.')[0] or 'core'}.{version}.{kind}"


@cache
def _table() -> dict[str, dict[int, _Field]]:
    packed = gzip.decompress(Path(__file__).with_name("messages.json.gz").read_bytes())
    return {
        message: {int(number): _Field(*field) for number, field in fields.items()}
        for message, fields in json.loads(packed).items()
    }


def _message(name: str, body: bytes, *, depth: int) -> Any:
    if depth > _DEEPEST:
        raise _Damaged(f"messages are nested deeper than {_DEEPEST} levels")
    special = _SPECIAL.get(name)
    if special:
        return special(body)
    result: dict[str, Any] = {}
    fields = _table()[name]
    for number, wire, value in _wire(body):
        field = fields.get(number)
        if field is not None:
            _put(result, field, wire, value, depth=depth)
    return result


def _put(result: dict[str, Any], field: _Field, wire: int, value: int | bytes, *, depth: int) -> None:
    if field.map:
        key, entry = _map_entry(field.ref, _bytes(value), depth=depth)
        result.setdefault(field.name, {})[key] = entry
        return
    if field.repeated:
        result.setdefault(field.name, []).extend(_several(field, wire, value, depth=depth))
        return
    decoded = _single(field, value, depth=depth)
    if field.type == _MESSAGE and field.name in _INLINED:
        result.update(decoded)
    elif decoded is not None and (decoded or field.type == _MESSAGE or field.name in _ZERO_MEANS_SOMETHING):
        result[field.name] = decoded


def _several(field: _Field, wire: int, value: int | bytes, *, depth: int) -> list[Any]:
    packed = wire == _BYTES_WIRE and field.type not in (_STRING, _BYTES, _MESSAGE)
    values = _packed(_bytes(value)) if packed else [value]
    return [_single(field, one, depth=depth) for one in values]


def _single(field: _Field, value: int | bytes, *, depth: int) -> Any:
    if field.type == _MESSAGE:
        return _message(field.ref, _bytes(value), depth=depth + 1)
    if field.type == _STRING:
        return _text(value)
    if field.type == _BYTES:
        return base64.b64encode(_bytes(value)).decode()
    if not isinstance(value, int):
        raise _Damaged(f"field {field.name} is not a number")
    return bool(value) if field.type == _BOOL else _signed(value)


def _map_entry(ref: str, body: bytes, *, depth: int) -> tuple[str, Any]:
    fields, raw = _table()[ref], {number: value for number, _, value in _wire(body)}
    key = _text(raw.get(1, b""))
    empty: int | bytes = b"" if fields[2].type in (_STRING, _BYTES, _MESSAGE) else 0
    return key, _single(fields[2], raw.get(2, empty), depth=depth)


def _wire(body: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(field number, wire type, value) of everything in one message."""
    at, end = 0, len(body)
    while at < end:
        tag, at = _varint(body, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(body, at)
            yield tag >> 3, wire, value
            continue
        if wire == _BYTES_WIRE:
            size, at = _varint(body, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise _Damaged(f"wire type {wire} is not used by Kubernetes")
        if at + size > end:
            raise _Damaged("it ends in the middle of a field")
        yield tag >> 3, wire, body[at : at + size]
        at += size


def _packed(body: bytes) -> list[int]:
    at, values = 0, []
    while at < len(body):
        value, at = _varint(body, at)
        values.append(value)
    return values


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(body):
            raise _Damaged("it ends in the middle of a number")
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise _Damaged("a number is longer than 64 bits")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _Damaged("a number stands where bytes belong")
    return value


def _text(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8")


def _numbers(body: bytes) -> dict[int, int]:
    return {number: _signed(value) for number, _, value in _wire(body) if isinstance(value, int)}


def _quantity(body: bytes) -> str:
    return "".join(_text(value) for number, _, value in _wire(body) if number == 1)


def _int_or_string(body: bytes) -> int | str:
    fields = {number: value for number, _, value in _wire(body)}
    if fields.get(1, 0):
        return _text(fields.get(3, b""))
    number = fields.get(2, 0)
    return _signed(number) if isinstance(number, int) else 0


def _time(body: bytes, *, micro: bool = False) -> str | None:
    """None for Go's zero time, which JSON shows as null."""
    numbers = _numbers(body)
    if not numbers:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=numbers.get(1, 0), microseconds=numbers.get(2, 0) // 1000
    )
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06d}Z" if micro else f"{text}Z"


def _micro_time(body: bytes) -> str | None:
    return _time(body, micro=True)


def _duration(body: bytes) -> str:
    return f"{_numbers(body).get(1, 0)}ns"


def _raw_json(body: bytes) -> Any:
    for number, _, value in _wire(body):
        if number == 1 and value:
            return json.loads(_bytes(value))
    return None


def _items(body: bytes) -> list[str]:
    return [_text(value) for number, _, value in _wire(body) if number == 1]


_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw_json,
    f"{_META}.Time": _time,
    f"{_META}.MicroTime": _micro_time,
    f"{_META}.Duration": _duration,
    f"{_META}.FieldsV1": _raw_json,
    f"{_META}.Verbs": _items,
    "k8s.io.api.authentication.v1.ExtraValue": _items,
    "k8s.io.api.authorization.v1.ExtraValue": _items,
}
