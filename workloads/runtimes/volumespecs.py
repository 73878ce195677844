"""What a pod's volumes hold: from the pod, and the ConfigMaps, Secrets and claims it names. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workloads.kinds import claimspecs
from workloads.meta import quantity
from workloads.runtimes import security
from workloads.runtimes.bags import Kind, Missing, containers, of_volume, owner, wish
from workloads.runtimes.base import FileSpec, MountSpec, VolumeSpec
from workloads.runtimes.environment import Facts, Untranslatable, expand, field, resource

JSON = Mapping[str, Any]

DEFAULT_MODE = 0o644


def volumes(pod: JSON, facts: Facts) -> tuple[VolumeSpec, ...]:
    """Those whose sources are all there; the others are what `missing` tells of."""
    found = []
    for volume in pod["spec"].get("volumes") or ():
        try:
            found.append(_volume(volume, pod, facts))
        except Missing:
            continue
    return tuple(found)


def missing(pod: JSON, facts: Facts) -> str:
    """Why the pod's volumes cannot be made yet, as the kubelet says it; "" when they can."""
    for volume in pod["spec"].get("volumes") or ():
        try:
            _volume(volume, pod, facts)
        except Missing as error:
            return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
    return ""


def mounts(container: JSON, pod: JSON, variables: Mapping[str, str]) -> tuple[MountSpec, ...]:
    """Where a container sees them. Files are written by the service alone, so only emptyDirs and claims can be written
    to."""
    scratch = {volume["name"] for volume in pod["spec"].get("volumes") or () if _is_writable(volume)}
    return tuple(
        MountSpec(
            volume=mount["name"],
            path=mount["mountPath"],
            sub_path=mount.get("subPath") or expand(mount.get("subPathExpr") or "", variables),
            read_only=bool(mount.get("readOnly")) or mount["name"] not in scratch,
        )
        for mount in container.get("volumeMounts") or ()
    )


def _volume(volume: JSON, pod: JSON, facts: Facts) -> VolumeSpec:
    name = volume["name"]
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    if name in (claims := claimspecs.of_pod(dict(pod))):
        policy = (pod["spec"].get("securityContext") or {}).get("fsGroupChangePolicy")
        claim = facts.bags.claim(claims[name])
        return VolumeSpec(name=name, claim=claim, group=group, group_once=policy == "OnRootMismatch")
    if "emptyDir" in volume:
        in_memory = volume["emptyDir"].get("medium") == "Memory"
        size = _size(volume["emptyDir"], facts) if in_memory else 0
        return VolumeSpec(name=name, in_memory=in_memory, size_bytes=size, group=group)
    files = {file.path: file for file in _files(volume, pod, facts)}
    # a ConfigMap alone is no secret: everything else never touches the disk
    return VolumeSpec(
        name=name,
        in_memory="configMap" not in volume,
        may_lie_on_disk=all(kind != "Secret" for kind, _ in of_volume(volume)),
        files=tuple(files[path] for path in sorted(files)),
        group=group,
    )


def _is_writable(volume: JSON) -> bool:
    source = volume.get("persistentVolumeClaim")
    return "emptyDir" in volume or "ephemeral" in volume or (source is not None and not source.get("readOnly"))


def _size(source: JSON, facts: Facts) -> int:
    """Memory-backed: what is asked for, and at most what the pod has."""
    limit, most = source.get("sizeLimit"), facts.ceiling["memory"]
    asked = quantity.whole(limit) if limit is not None else 0
    return min(asked, most) if asked and most else asked or most


def _files(volume: JSON, pod: JSON, facts: Facts) -> Iterator[FileSpec]:
    for part in ("configMap", "secret", "downwardAPI"):
        if part in volume:
            yield from _of_source(part, volume[part], pod, facts, mode=_mode(volume[part]))
            return
    if "projected" not in volume:
        raise Untranslatable(f"volume {volume['name']}: its type is not supported yet")
    mode = _mode(volume["projected"])
    for source in volume["projected"].get("sources") or ():
        for part, inner in source.items():
            yield from _of_source(part, inner, pod, facts, mode=mode)


def _of_source(part: str, source: JSON, pod: JSON, facts: Facts, *, mode: int) -> Iterator[FileSpec]:
    if part == "downwardAPI":
        for item in source.get("items") or ():
            data = _downward(item, pod, facts).encode()
            yield FileSpec(path=_clean(item["path"]), data=data, mode=item.get("mode", mode))
        return
    if part == "serviceAccountToken":
        yield _token(source, pod, facts, mode=mode)
        return
    kind: Kind = "ConfigMap" if part == "configMap" else "Secret"
    try:
        values = facts.bags.all(kind, source.get("secretName") or source.get("name") or "")
    except Missing:
        if source.get("optional"):
            return
        raise
    if not source.get("items"):
        yield from (FileSpec(path=key, data=data, mode=mode) for key, data in values.items())
        return
    for item in source["items"]:
        if item["key"] in values:
            yield FileSpec(path=_clean(item["path"]), data=values[item["key"]], mode=item.get("mode", mode))
        elif not source.get("optional"):
            said = "configmap references non-existent config key" if kind == "ConfigMap" else _NO_SECRET_KEY
            raise Missing(f"{said}: {item['key']}")


def _token(source: JSON, pod: JSON, facts: Facts, *, mode: int) -> FileSpec:
    """Where it is known who reads it, nobody else does, as the kubelet has it."""
    token = facts.bags.token(wish(source), owner(pod)).encode()
    user = security.only_user(pod)
    known = user is not None or "fsGroup" in (pod["spec"].get("securityContext") or {})
    return FileSpec(path=_clean(source["path"]), data=token, mode=0o600 if known else mode, owner=user)


def _downward(item: JSON, pod: JSON, facts: Facts) -> str:
    if "resourceFieldRef" in item:
        reference = item["resourceFieldRef"]
        name = reference.get("containerName")
        container = next((one for one in containers(pod["spec"]) if one["name"] == name), None)
        if container is None:
            raise Untranslatable(f"volume file {item['path']}: there is no container {name!r}")
        return resource(container, reference, facts.ceiling)
    path = item["fieldRef"]["fieldPath"]
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = pod["metadata"].get(path.partition(".")[2]) or {}
        return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(pairs.items()))
    return field(path, facts.fields, of=f"volume file {item['path']}")


def _mode(source: JSON) -> int:
    mode = source.get("defaultMode")
    return DEFAULT_MODE if mode is None else int(mode)


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


_NO_SECRET_KEY = "references non-existent secret key"  # noqa: S105
