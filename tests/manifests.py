"""The smallest objects, for every room's tests. Each call gives a new dict that the test may change."""

from __future__ import annotations

from typing import Any

IMAGE = "cci-test/busybox:1"
JSON = dict[str, Any]


def namespace(name: str = "shop") -> JSON:
    annotations = {"namespace.kubernetes.io/flavor": "general-computing"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}


def container(name: str = "app", *, image: str = IMAGE, command: tuple[str, ...] = ("sleep", "3600")) -> JSON:
    size = {"cpu": "250m", "memory": "1Gi"}
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "resources": {"limits": dict(size), "requests": dict(size)},
    }


def pod(name: str = "one", **spec: Any) -> JSON:
    """`grace` of a second, so that tests that delete do not wait for a sleeping shell."""
    body = {"terminationGracePeriodSeconds": 1, "containers": [container()], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": body}


def claim(name: str = "data", *, size: str = "1Gi", mode: str = "ReadWriteOnce", **spec: Any) -> JSON:
    body = {"accessModes": [mode], "resources": {"requests": {"storage": size}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": body}


def claiming(name: str = "one", claim: str = "data", **spec: Any) -> JSON:
    """A pod whose container sees the claim at /data."""
    made = pod(name, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": claim}}], **spec)
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return made


def deployment(name: str = "web", *, replicas: int = 2, **spec: Any) -> JSON:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod()["spec"] | spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"replicas": replicas, "selector": {"matchLabels": dict(labels)}, "template": template},
    }


def job(name: str = "sum", *, restart: str = "Never", command: tuple[str, ...] = ("true",), **spec: Any) -> JSON:
    pod_spec = pod()["spec"] | {"restartPolicy": restart, "containers": [container(command=command)]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": pod_spec}, **spec},
    }


def cronjob(name: str = "tick", *, schedule: str = "*/5 * * * *", job_spec: JSON | None = None, **spec: Any) -> JSON:
    body = job()["spec"] | (job_spec or {})
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": body}, **spec},
    }


def autoscaler(name: str = "web", *, target: str = "web", least: int = 1, most: int = 10, **spec: Any) -> JSON:
    """At 50 % of the CPU asked for, unless `metrics` says otherwise."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    half = {"type": "Utilization", "averageUtilization": 50}
    body = {
        "scaleTargetRef": reference,
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": half}}],
        **spec,
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": body,
    }


def scaling_policy(name: str = "rule", **spec: Any) -> JSON:
    """Of Deployment `web`; give one of alarm, timed and periodic."""
    return {
        "apiVersion": "autoscaling.cci.io/v1beta1",
        "kind": "ScalingPolicy",
        "metadata": {"name": name},
        "spec": {"targetRef": {"name": "web"}, **spec},
    }


def service(name: str = "web", *, port: int = 80, **spec: Any) -> JSON:
    """In front of the pods labelled `app: <name>`."""
    body = {"selector": {"app": name}, "ports": [{"port": port}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": body}


def elb(name: str = "web", **spec: Any) -> JSON:
    return {"apiVersion": "networking.cci.io/v1beta1", "kind": "ELB", "metadata": {"name": name}, "spec": spec}


def ingress(name: str = "web", *, host: str = "shop.example.com", path: str = "/", **spec: Any) -> JSON:
    """To port 80 of the Service of the same name."""
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [rule], **spec},
    }
