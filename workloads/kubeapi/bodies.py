"""Request bodies to manifests. The content type says how to read them; what cannot be read is refused."""

from __future__ import annotations

from typing import Any, get_args

from workloads.client import PatchType
from workloads.kubeapi.exchange import Request
from workloads.kubeapi.protobuf import decoder
from workloads.kubeapi.threads import in_thread
from workloads.meta import manifests
from workloads.meta.errors import BadRequest, UnsupportedMediaType
from workloads.meta.manifests import Document, ManifestError

JSON = dict[str, Any]

_JSON, _YAML, _PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_APPLY: PatchType = "application/apply-patch+yaml"
_JSON_PATCH: PatchType = "application/json-patch+json"
_LARGE = 16 * 1024

PATCH_TYPES: tuple[PatchType, ...] = get_args(PatchType)


async def manifest(request: Request, *, find_duplicates: bool = False) -> tuple[JSON, tuple[str, ...]]:
    """The object in the body, and the paths of keys that stood twice. Raises BadRequest, UnsupportedMediaType and
    TooLarge."""
    body = await request.read()
    if not body.strip():
        raise BadRequest("the body is empty: send the object as JSON or YAML")
    document = await _read(request.content_type or _JSON, body, find_duplicates=find_duplicates)
    if not isinstance(document.value, dict):
        raise BadRequest("the body must be one object")
    return document.value, document.duplicates


async def options(request: Request) -> JSON:
    """DeleteOptions in the body, {} without one."""
    body = await request.read()
    if not body.strip():
        return {}
    value = (await _read(request.content_type or _JSON, body, find_duplicates=False)).value
    if not isinstance(value, dict) or value.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest("the body of a delete must be DeleteOptions")
    return value


def patch_type(request: Request) -> PatchType:
    """Raises UnsupportedMediaType."""
    for known in PATCH_TYPES:
        if request.content_type == known:
            return known
    raise _unsupported(PATCH_TYPES)


async def patch(
    request: Request, type: PatchType, *, find_duplicates: bool = False
) -> tuple[JSON | list[Any], tuple[str, ...]]:
    """The patch in the body. Raises BadRequest."""
    body = await request.read()
    if type == _APPLY:
        return await _applied(body, find_duplicates=find_duplicates)
    document = await _read(_JSON, body, find_duplicates=find_duplicates)
    if type == _JSON_PATCH:
        if not isinstance(document.value, list):
            raise BadRequest("a JSON patch must be a list of operations")
        return document.value, document.duplicates
    if not isinstance(document.value, dict):
        raise BadRequest("the patch must be one object")
    return document.value, document.duplicates


async def _applied(body: bytes, *, find_duplicates: bool) -> tuple[JSON, tuple[str, ...]]:
    """What is to be applied: YAML, or JSON, which is YAML, too, and read faster as itself."""
    is_json = body.lstrip().startswith(b"{")
    try:
        document = await _read(_JSON if is_json else _YAML, body, find_duplicates=find_duplicates)
    except BadRequest as error:
        raise BadRequest(f"error decoding YAML: {error.message}") from None
    if not isinstance(document.value, dict):
        raise BadRequest("error decoding YAML: what is applied must be one object")
    return document.value, document.duplicates


async def _read(content_type: str, body: bytes, *, find_duplicates: bool) -> Document:
    """Large bodies are read in a thread: nobody else waits for them."""
    if len(body) < _LARGE:
        return _document(content_type, body, find_duplicates=find_duplicates)
    return await in_thread(lambda: _document(content_type, body, find_duplicates=find_duplicates))


def _document(content_type: str, body: bytes, *, find_duplicates: bool) -> Document:
    try:
        if content_type == _JSON:
            return manifests.parse_json(body, find_duplicates=find_duplicates)
        if content_type == _YAML:
            return manifests.parse_yaml(body)
        if content_type == _PROTOBUF:
            return Document(decoder.decode(body))
    except ManifestError as error:
        raise BadRequest(f"the body cannot be read: {error}") from None
    raise _unsupported((_JSON, _YAML, _PROTOBUF))


def _unsupported(accepted: tuple[str, ...]) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    )
