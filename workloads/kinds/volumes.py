"""Volumes of a pod and where its containers see them: defaults, and everything that can be wrong, in Kubernetes' words.

Served are emptyDir, configMap, secret, downwardAPI, projected, persistentVolumeClaim and ephemeral. Whether a
ConfigMap, Secret or claim exists is not asked here: the pod waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workloads.kinds import claimspecs, objectmeta, references, tokenrequests
from workloads.meta import causes, names, quantity
from workloads.meta.errors import Cause

JSON = dict[str, Any]

DEFAULT_MODE = 0o644
FIELD_PATHS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
"""What a file may show of the pod itself; `metadata.labels['x']` and `metadata.annotations['x']` besides."""
MEDIA = ("", "Memory")

HOST_PATH = "the host's files are not offered; put what the container needs into its image"
_NOT_YET = "is not supported yet: use emptyDir, configMap, secret, downwardAPI, projected or persistentVolumeClaim"
_MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive"


def default(spec: JSON) -> None:
    """Fills the defaults of a pod specification's volumes in place."""
    for volume in spec.get("volumes") or []:
        if len(volume) == 1:
            volume["emptyDir"] = {}
        for part in ("configMap", "secret", "downwardAPI", "projected"):
            if part in volume:
                volume[part].setdefault("defaultMode", DEFAULT_MODE)
        if (template := (volume.get("ephemeral") or {}).get("volumeClaimTemplate")) and "spec" in template:
            claimspecs.default(template["spec"])
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "serviceAccountToken" in source:
                source["serviceAccountToken"].setdefault("expirationSeconds", tokenrequests.DEFAULT_SECONDS)
        for items in _downward(volume):
            for item in items:
                if "fieldRef" in item and not item["fieldRef"].get("apiVersion"):
                    item["fieldRef"]["apiVersion"] = "v1"


def validate(volumes: list[JSON], field: str) -> list[Cause]:
    """All that is wrong with the volumes standing at `field`."""
    found, seen = [], set[str]()
    for index, volume in enumerate(volumes):
        where, name = f"{field}[{index}]", volume.get("name", "")
        if name in seen:
            found.append(causes.duplicate(f"{where}.name", name))
        seen.add(name)
        found += _named(name, where) + _source(volume, where)
    return found


def validate_mounts(mounts: list[JSON], field: str, *, volumes: list[JSON]) -> list[Cause]:
    """All that is wrong with a container's volumeMounts, `volumes` being the pod's."""
    found, seen, known = [], set[str](), {volume.get("name", "") for volume in volumes}
    for index, mount in enumerate(mounts):
        where, name, path = f"{field}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            found.append(causes.required(f"{where}.name"))
        elif name not in known:
            found.append(causes.not_found(f"{where}.name", name))
        found += _mount_path(path, f"{where}.mountPath", seen)
        seen.add(path.rstrip("/"))
        found += _mount_options(mount, where)
    return found


def _named(name: str, field: str) -> list[Cause]:
    if not name:
        return [causes.required(f"{field}.name")]
    return [causes.invalid(f"{field}.name", name, text) for text in names.dns_label(name)]


def _source(volume: JSON, field: str) -> list[Cause]:
    sources = [part for part in volume if part != "name"]
    if len(sources) > 1:
        return [causes.forbidden(f"{field}.{sources[1]}", "may not specify more than 1 volume type")]
    if not sources:
        return [causes.required(field, "must specify a volume type")]
    (part,) = sources
    where = f"{field}.{part}"
    rule = _RULES.get(part)
    if rule is None:
        return [causes.forbidden(where, _REFUSED.get(part, _NOT_YET))]
    return rule(volume[part], where)


def _empty_dir(source: JSON, field: str) -> list[Cause]:
    found, limit, medium = [], source.get("sizeLimit"), source.get("medium", "")
    if medium not in MEDIA:
        found.append(causes.unsupported(f"{field}.medium", medium, MEDIA))
    if limit is not None and quantity.parse(limit) < 0:
        found.append(causes.forbidden(f"{field}.sizeLimit", "SizeLimit field must be a valid resource quantity"))
    return found


def _config_map(source: JSON, field: str) -> list[Cause]:
    return _reference(source, field, name="name")


def _secret(source: JSON, field: str) -> list[Cause]:
    return _reference(source, field, name="secretName")


def _reference(source: JSON, field: str, *, name: str) -> list[Cause]:
    found = [] if source.get(name) else [causes.required(f"{field}.{name}")]
    found += _mode(source, "defaultMode", field)
    for index, item in enumerate(source.get("items") or []):
        where = f"{field}.items[{index}]"
        found += [] if item.get("key") else [causes.required(f"{where}.key")]
        found += _path(item.get("path", ""), f"{where}.path") + _mode(item, "mode", where)
    return found


def _downward_api(source: JSON, field: str) -> list[Cause]:
    found = _mode(source, "defaultMode", field)
    for index, item in enumerate(source.get("items") or []):
        where = f"{field}.items[{index}]"
        found += _path(item.get("path", ""), f"{where}.path") + _mode(item, "mode", where)
        found += _downward_item(item, where)
    return found


def _downward_item(item: JSON, field: str) -> list[Cause]:
    if "fieldRef" in item and "resourceFieldRef" in item:
        return [causes.invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")]
    if "fieldRef" in item:
        return references.field_path(item["fieldRef"], f"{field}.fieldRef", paths=FIELD_PATHS)
    if "resourceFieldRef" not in item:
        return [causes.required(field, "one of fieldRef and resourceFieldRef is required")]
    where = f"{field}.resourceFieldRef"
    named = item["resourceFieldRef"].get("containerName")
    found = [] if named else [causes.required(f"{where}.containerName")]
    return found + references.resource(item["resourceFieldRef"], where)


def _claim(source: JSON, field: str) -> list[Cause]:
    return [] if source.get("claimName") else [causes.required(f"{field}.claimName")]


def _ephemeral(source: JSON, field: str) -> list[Cause]:
    template, where = source.get("volumeClaimTemplate"), f"{field}.volumeClaimTemplate"
    if not template:
        return [causes.required(where)]
    found = objectmeta.validate_template(template.get("metadata") or {}, f"{where}.metadata")
    return found + claimspecs.validate(template.get("spec") or {}, f"{where}.spec")


def _projected(source: JSON, field: str) -> list[Cause]:
    found, taken = _mode(source, "defaultMode", field), set[str]()
    for index, one in enumerate(source.get("sources") or []):
        where = f"{field}.sources[{index}]"
        if len(one) != 1:
            said = "must specify a volume type" if not one else "may not specify more than 1 volume type per source"
            found.append(causes.forbidden(where, said))
            continue
        ((part, inner),) = one.items()
        found += _projection(part, inner, f"{where}.{part}")
        for path in [item.get("path", "") for item in _projected_items(part, inner)]:
            if path in taken:
                found.append(causes.invalid(f"{where}.{part}", path, "conflicting duplicate paths"))
            taken.add(path)
    return found


def _projection(part: str, source: JSON, field: str) -> list[Cause]:
    if part in ("configMap", "secret"):
        return _reference(source, field, name="name")
    if part == "downwardAPI":
        return _downward_api(source, field)
    if part == "serviceAccountToken":
        found = tokenrequests.seconds_causes(source["expirationSeconds"], f"{field}.expirationSeconds")
        return found + _path(source.get("path", ""), f"{field}.path")
    said = "is not supported yet: use configMap, secret, downwardAPI or serviceAccountToken"
    return [causes.forbidden(field, said)]


def _projected_items(part: str, source: JSON) -> list[JSON]:
    """A token is one file, the others list theirs."""
    return [source] if part == "serviceAccountToken" else source.get("items") or []


def _path(path: str, field: str) -> list[Cause]:
    """Of a file in a volume."""
    if not path:
        return [causes.required(field)]
    found = _descending(path, field)
    if path.startswith("..") and not path.startswith("../"):
        found.append(causes.invalid(field, path, "must not start with '..'"))
    return found


def _descending(path: str, field: str) -> list[Cause]:
    found = [causes.invalid(field, path, "must be a relative path")] if path.startswith("/") else []
    if ".." in path.split("/"):
        found.append(causes.invalid(field, path, "must not contain '..'"))
    return found


def _mode(source: JSON, part: str, field: str) -> list[Cause]:
    mode = source.get(part)
    return [causes.invalid(f"{field}.{part}", mode, _MODE_RULE)] if mode is not None and not 0 <= mode <= 0o777 else []


def _mount_path(path: str, field: str, seen: set[str]) -> list[Cause]:
    if not path:
        return [causes.required(field)]
    if not path.startswith("/") or not path.strip("/"):
        return [causes.invalid(field, path, "must be an absolute path below /")]
    if path.rstrip("/") in seen:
        return [causes.invalid(field, path, "must be unique")]
    wrong = next((text for text in (":", "\x00") if text in path), None)
    return [causes.invalid(field, path, f"must not contain {wrong!r}")] if wrong else []


def _mount_options(mount: JSON, field: str) -> list[Cause]:
    found = []
    for part in ("subPath", "subPathExpr"):
        found += _descending(mount.get(part) or "", f"{field}.{part}")
    if mount.get("subPath") and mount.get("subPathExpr"):
        said = "subPathExpr and subPath are mutually exclusive"
        found.append(causes.invalid(f"{field}.subPathExpr", mount["subPathExpr"], said))
    if mount.get("mountPropagation") not in (None, "", "None"):
        said = "is not supported yet: volumes are mounted without propagation; leave it out"
        found.append(causes.forbidden(f"{field}.mountPropagation", said))
    if mount.get("recursiveReadOnly") not in (None, "", "Disabled"):
        said = "is not supported yet: use readOnly"
        found.append(causes.forbidden(f"{field}.recursiveReadOnly", said))
    return found


def _downward(volume: JSON) -> list[list[JSON]]:
    """The downward API's items, also those that are projected."""
    sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
    return [(source.get("downwardAPI") or {}).get("items") or [] for source in sources]


_REFUSED = {"hostPath": HOST_PATH}
_RULES: dict[str, Callable[[JSON, str], list[Cause]]] = {
    "emptyDir": _empty_dir,
    "configMap": _config_map,
    "secret": _secret,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "persistentVolumeClaim": _claim,
    "ephemeral": _ephemeral,
}
