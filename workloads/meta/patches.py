"""The three patch types of the Kubernetes API, as pure functions from an object and a patch to a new object.

`apply` is the way in. The strategic merge follows upstream's directives (`$patch`, `$retainKeys`, `$setElementOrder/x`,
`$deleteFromPrimitiveList/x`) and reads from the object's `Shape` which lists merge, and by which key. A field the shape
does not know merges like plain JSON: strict validation speaks of it afterwards.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import jsonpatch
import jsonpointer
import orjson

from workloads.meta import causes
from workloads.meta.errors import BadRequest, Cause, Invalid, TooLarge, UnsupportedMediaType
from workloads.meta.shapes import ANY, Field, Shape

JSON = dict[str, Any]

JSON_PATCH: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024

_REJECTED = "the server rejected our request due to an error in our request"
_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_KEYS = ("op", "path", "from", "value")
_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")
_MISAPPLIED = (
    jsonpatch.JsonPatchException,
    jsonpointer.JsonPointerException,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
)
_SCALARS = (str, int, float, bool, type(None))


def apply(obj: JSON, patch: JSON | Sequence[Any], patch_type: str, *, shape: Shape = ANY) -> JSON:
    """`obj` with `patch` applied; neither is changed. `shape` (see `kinds.schemas.shape`) is needed by the strategic
    merge alone. Raises BadRequest when the patch is malformed, Invalid when it cannot be applied to this object,
    TooLarge when it is out of bounds."""
    try:
        if patch_type == JSON_PATCH:
            return json_patch(obj, patch)
        if patch_type == MERGE:
            return merge(obj, _an_object(patch))
        if patch_type == STRATEGIC:
            return strategic(obj, _an_object(patch), shape=shape)
    except RecursionError as error:
        raise BadRequest("the patch is nested too deeply") from error
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: "
        f"{JSON_PATCH}, {MERGE}, {STRATEGIC}"
    )


def json_patch(obj: JSON, operations: Any) -> JSON:
    """RFC 6902. All operations apply, or none does."""
    _check_operations(operations)
    result: Any = copy.deepcopy(obj)
    copied = 0
    for index, operation in enumerate(operations):
        if operation["op"] == "copy":
            copied += _size(result, operation["from"])
            if copied > MAX_COPIED_BYTES:
                raise TooLarge.of_request(
                    f"the copy operations of the patch add up to more than {MAX_COPIED_BYTES} bytes"
                )
        result = _operate(result, operation, index)
    if not isinstance(result, dict):
        raise BadRequest("the JSON patch would put something that is not an object in the object's place")
    return result


def doubts(operations: Any, duplicates: Iterable[str]) -> tuple[str, ...]:
    """What a strict decoder says of a JSON patch: keys that no operation has, and those that stood twice."""
    found = [f'json patch duplicate field "{path}"' for path in duplicates]
    for index, operation in enumerate(operations if isinstance(operations, list | tuple) else ()):
        strange = [key for key in operation if key not in _KEYS] if isinstance(operation, dict) else []
        found += [f'json patch unknown field "[{index}].{key}"' for key in strange]
    return tuple(found)


def merge(obj: JSON, patch: JSON) -> JSON:
    """RFC 7386: null removes, objects merge, everything else (lists too) replaces."""
    result = dict(obj)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = merge(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def strategic(obj: JSON, patch: JSON, *, shape: Shape) -> JSON:
    """Kubernetes' own: like `merge`, but lists with a merge key merge element by element."""
    return _merge_object(obj, patch, shape)


# --- JSON patch ---------------------------------------------------------------------------------------------------


def _check_operations(operations: Any) -> None:
    if not isinstance(operations, list | tuple):
        raise BadRequest("a JSON patch must be a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge.of_request(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        )
    for index, operation in enumerate(operations):
        problem = _operation_problem(operation)
        if problem:
            raise BadRequest(f"operation {index} of the JSON patch {problem}")


def _operation_problem(operation: Any) -> str:
    if not isinstance(operation, dict):
        return "must be an object"
    if operation.get("op") not in _OPERATIONS:
        return f"has op {causes.shown(operation.get('op'))}; it must be one of {', '.join(_OPERATIONS)}"
    if operation["op"] in ("add", "replace", "test") and "value" not in operation:
        return "needs a value"
    pointers = ("path", "from") if operation["op"] in ("move", "copy") else ("path",)
    for name in pointers:
        pointer = operation.get(name)
        if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
            return f"needs a {name} that starts with /"
    return ""


def _operate(document: Any, operation: JSON, index: int) -> Any:
    try:
        return jsonpatch.JsonPatch([operation]).apply(document, in_place=True)
    except _MISAPPLIED as error:
        # what was found instead may be secret
        said = "the value there is another" if isinstance(error, jsonpatch.JsonPatchTestFailed) else str(error)
        cause = Cause(f"patch[{index}]", f"{operation['op']} {operation['path']}: {said}")
        raise Invalid(f"{_REJECTED}: {cause.message}", causes=(cause,)) from error


def _size(document: Any, pointer: str) -> int:
    try:
        return len(orjson.dumps(jsonpointer.resolve_pointer(document, pointer)))
    except _MISAPPLIED:
        return 0


# --- strategic merge patch ----------------------------------------------------------------------------------------


def _an_object(patch: Any) -> JSON:
    if not isinstance(patch, dict):
        raise BadRequest("the patch must be a JSON object")
    return patch


def _merge_object(original: JSON, patch: JSON, shape: Shape) -> JSON:
    match patch.get(_DIRECTIVE, "merge"):
        case "replace":
            return _plain_object(patch)
        case "delete":
            return {}
        case "merge":
            pass
        case other:
            raise _bad_directive(other)
    result = _retained(original, patch)
    for name, value in patch.items():
        if name.startswith(_DELETE_PRIMITIVES):
            _delete_primitives(result, name.removeprefix(_DELETE_PRIMITIVES), value)
    for name, value in patch.items():
        if not name.startswith("$"):
            _merge_field(result, name, value, shape)
        elif not _is_directive(name):
            raise BadRequest(f"unknown directive {causes.shown(name)} in the patch")
    for name, value in patch.items():
        if name.startswith(_ORDER):
            _reorder(result, original, name.removeprefix(_ORDER), value, patch, shape)
    return result


def _is_directive(name: str) -> bool:
    return name in (_DIRECTIVE, _RETAIN) or name.startswith((_ORDER, _DELETE_PRIMITIVES))


def _retained(original: JSON, patch: JSON) -> JSON:
    """What `$retainKeys` leaves of the original: everything, when it is not given."""
    if _RETAIN not in patch:
        return dict(original)
    keep = patch[_RETAIN]
    if not isinstance(keep, list):
        raise BadRequest("invalid patch format of retainKeys: it must be a list of keys")
    set_names = (name for name, value in patch.items() if value is not None and not name.startswith("$"))
    strays = [name for name in set_names if name not in keep]
    if strays:
        said = f"patch content doesn't match retainKeys list: {causes.shown(strays[0])} is set but not retained"
        raise Invalid(f"{_REJECTED}: {said}", causes=(Cause(_RETAIN, said),))
    return {name: value for name, value in original.items() if name in keep}


def _merge_field(result: JSON, name: str, value: Any, shape: Shape) -> None:
    field = _field(shape, name)
    before = result.get(name)
    if value is None:
        result.pop(name, None)
    elif isinstance(value, dict):
        replaces = "replace" in field.strategies or not isinstance(before, dict)
        merged = _merge_object({} if replaces else before or {}, value, field.shape)
        _put_merged(result, name, value, merged)
    elif isinstance(value, list) and "merge" in field.strategies:
        result[name] = _merge_list(before if isinstance(before, list) else [], value, field, name)
    elif isinstance(value, list):
        result[name] = _plain_list(value)
    else:
        result[name] = value


def _put_merged(result: JSON, name: str, patch: JSON, merged: JSON) -> None:
    """`$patch: delete` on an object takes the field away; anything else leaves it, if empty."""
    if patch.get(_DIRECTIVE) == "delete":
        result.pop(name, None)
        return
    result[name] = merged


def _field(shape: Shape, name: str) -> Field:
    if shape.type == "map":
        return Field(shape.items or ANY)
    return shape.fields.get(name) or Field(ANY)


def _delete_primitives(result: JSON, name: str, values: Any) -> None:
    if not isinstance(values, list):
        raise BadRequest(f"invalid patch format of primitive list: {_DELETE_PRIMITIVES}{name} must be a list")
    if isinstance(result.get(name), list):
        gone = {_hashable(value) for value in values}
        result[name] = [item for item in result[name] if _hashable(item) not in gone]


def _merge_list(original: list[Any], patch: list[Any], field: Field, name: str) -> list[Any]:
    if not any(isinstance(item, dict) for item in (*original, *patch)):
        return _union(original, patch)
    if not field.merge_key:
        raise BadRequest(f"cannot merge lists without merge key for {name}")
    replaced, merged, changes = _directed(original, patch, field.merge_key)
    if replaced:
        return _plain_list(changes)
    items = field.shape.items or ANY
    places = {_hashable(item[field.merge_key]): index for index, item in enumerate(merged) if field.merge_key in item}
    for change in changes:
        place = places.get(_hashable(_key_of(change, field.merge_key)))
        if place is None:
            places[_hashable(change[field.merge_key])] = len(merged)
            merged.append(_merge_object({}, change, items))
        else:
            merged[place] = _merge_object(merged[place], change, items)
    return merged


def _union(original: list[Any], patch: list[Any]) -> list[Any]:
    """Scalars merge as a set that keeps its order."""
    result: dict[Any, Any] = {}
    for item in (*original, *patch):
        result.setdefault(_hashable(item), item)
    return list(result.values())


def _directed(original: list[Any], patch: list[Any], merge_key: str) -> tuple[bool, list[Any], list[JSON]]:
    """Carries out the elements that are directives: (whether the list is replaced, what is left of the original,
    the elements that are to be merged)."""
    replaced, left, changes = False, [item for item in original if isinstance(item, dict)], []
    for item in patch:
        if not isinstance(item, dict):
            raise BadRequest("a list of objects cannot be merged with values that are not objects")
        match item.get(_DIRECTIVE, "merge"):
            case "delete":
                gone = _key_of(item, merge_key)
                left = [other for other in left if other.get(merge_key) != gone]
            case "replace":
                replaced = True
            case "merge":
                changes.append(item)
            case other:
                raise _bad_directive(other)
    return replaced, left, changes


def _key_of(item: JSON, merge_key: str) -> Any:
    if merge_key not in item:
        raise BadRequest(f"map: {causes.shown(item)} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def _hashable(value: Any) -> Any:
    return value if isinstance(value, _SCALARS) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _reorder(result: JSON, original: JSON, name: str, order: Any, patch: JSON, shape: Shape) -> None:
    """`$setElementOrder/name`: the elements it names stand in its order; those it does not (made by others on the
    server) keep their place relative to them."""
    merge_key = _field(shape, name).merge_key
    if not isinstance(order, list):
        raise BadRequest(f"invalid patch format of setElementOrder list: {_ORDER}{name} must be a list")
    wanted = _places(order, merge_key)
    given = [_identity(item, merge_key) for item in patch.get(name) or [] if not _is_deletion(item)]
    _check_order(given, wanted, name)
    if isinstance(result.get(name), list):
        before = original.get(name)
        places = _places(before if isinstance(before, list) else [], merge_key)
        result[name] = _ordered(result[name], wanted, places, merge_key)


def _check_order(given: list[Any], wanted: Mapping[Any, int], name: str) -> None:
    places = [wanted.get(item, -1) for item in given]
    if -1 in places or places != sorted(places):
        listed = causes.shown(list(wanted))
        raise BadRequest(f"The order in patch list: {causes.shown(given)} doesn't match {_ORDER}{name} list: {listed}")


def _ordered(current: list[Any], wanted: Mapping[Any, int], before: Mapping[Any, int], merge_key: str) -> list[Any]:
    pairs = [(_identity(item, merge_key), item) for item in current]
    named = deque(sorted((pair for pair in pairs if pair[0] in wanted), key=lambda pair: wanted[pair[0]]))
    others = deque(pair for pair in pairs if pair[0] not in wanted)
    result: list[Any] = []
    while named and others:
        stays_first = _stood_before(others[0][0], named[0][0], before)
        result.append((others if stays_first else named).popleft()[1])
    return result + [item for _, item in (*named, *others)]


def _stood_before(one: Any, other: Any, before: Mapping[Any, int]) -> bool:
    return one in before and other in before and before[one] < before[other]


def _places(items: list[Any], merge_key: str) -> dict[Any, int]:
    return {_identity(item, merge_key): index for index, item in enumerate(items)}


def _identity(item: Any, merge_key: str) -> Any:
    """What an element is known by in its list: its merge key, or for a scalar itself."""
    return _hashable(item.get(merge_key) if isinstance(item, dict) else item)


def _is_deletion(item: Any) -> bool:
    return isinstance(item, dict) and item.get(_DIRECTIVE) == "delete"


def _plain(value: Any) -> Any:
    """A value that is new to the object: without nulls and directives."""
    if isinstance(value, dict):
        return _plain_object(value)
    return _plain_list(value) if isinstance(value, list) else value


def _plain_object(patch: JSON) -> JSON:
    return {name: _plain(item) for name, item in patch.items() if item is not None and not _is_directive(name)}


def _plain_list(patch: list[Any]) -> list[Any]:
    return [_plain(item) for item in patch if not _is_deletion(item)]


def _bad_directive(value: Any) -> BadRequest:
    said = f"unknown patch type: {causes.shown(value)}; {_DIRECTIVE} must be merge, replace or delete"
    return BadRequest(said)
