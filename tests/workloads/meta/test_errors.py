"""Every error is a `Status` that a Kubernetes client understands, with the product's errorCode where it has one."""

from __future__ import annotations

import pytest

from workloads.meta import errors
from workloads.meta.errors import Cause

CAUSE = Cause("spec.replicas", "Invalid value: -1: must be greater than or equal to 0")


def _tree(base: type[errors.StatusError]) -> list[type[errors.StatusError]]:
    return [base, *(deeper for child in base.__subclasses__() for deeper in _tree(child))]


def test_the_tree_at_the_top_of_the_module_names_every_error() -> None:
    for error in _tree(errors.StatusError):
        if error.__module__ == errors.__name__:
            assert f"{error.__name__} " in str(errors.__doc__)
            assert f"{error.code} {error.reason}" in str(errors.__doc__)


def test_a_plain_error_is_a_plain_status() -> None:
    assert errors.BadRequest("no").body() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "no",
        "reason": "BadRequest",
        "code": 400,
    }


def test_a_missing_object_is_named_with_its_group() -> None:
    error = errors.NotFound.named("deployments", "web", group="apps")
    assert error.message == 'deployments.apps "web" not found'
    assert error.body()["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


def test_a_stale_write_says_what_to_do() -> None:
    error = errors.Conflict.stale("pods", "a")
    assert error.message.endswith("please apply your changes to the latest version and try again")
    assert error.body()["code"] == 409


def test_a_taken_name_carries_the_products_code() -> None:
    error = errors.AlreadyExists.named("namespaces", "shop", error_code="CCI.02.409101")
    assert error.body()["errorCode"] == "CCI.02.409101"
    assert error.message == 'namespaces "shop" already exists'


def test_a_refusal_is_forbidden_without_a_missing_right() -> None:
    refused = errors.Refused("the namespace is being terminated")
    assert refused.body()["code"] == 403
    assert "errorCode" not in refused.body()


def test_quota_and_permission_carry_the_products_codes() -> None:
    assert errors.QuotaReached("full").body()["errorCode"] == "CCI.02.400106"
    denied = errors.Forbidden("cci:namespace:create")
    assert denied.body()["errorCode"] == "CCI.01.403105"
    assert denied.message == "insufficient operation permission, require cci:namespace:create"


@pytest.mark.parametrize("group", ["", "apps"])
def test_an_invalid_object_lists_its_causes(group: str) -> None:
    error = errors.Invalid.of("Deployment", "web", (CAUSE,), group=group)
    label = "Deployment.apps" if group else "Deployment"
    assert error.message == f'{label} "web" is invalid: spec.replicas: {CAUSE.message}'
    assert error.body()["details"]["causes"] == [
        {"reason": "FieldValueInvalid", "message": CAUSE.message, "field": "spec.replicas"}
    ]


def test_several_causes_are_joined_as_upstream_does() -> None:
    error = errors.Invalid.of("Pod", "a", (CAUSE, Cause("", "and more")))
    assert error.message == f'Pod "a" is invalid: [spec.replicas: {CAUSE.message}, and more]'


def test_retry_after_is_in_the_details() -> None:
    assert errors.Unavailable("later", retry_after=3).body()["details"] == {"retryAfterSeconds": 3}


NAMED = [
    (errors.NotFound.named("pods", "a"), 404, 'pods "a" not found', {"name": "a", "kind": "pods"}),
    (
        errors.NotFound.named("deployments", "a", group="apps"),
        404,
        'deployments.apps "a" not found',
        {"name": "a", "group": "apps", "kind": "deployments"},
    ),
    (errors.AlreadyExists.named("pods", "a"), 409, 'pods "a" already exists', {"name": "a", "kind": "pods"}),
    (
        errors.Conflict.stale("pods", "a"),
        409,
        'Operation cannot be fulfilled on pods "a": the object has been modified; '
        "please apply your changes to the latest version and try again",
        {"name": "a", "kind": "pods"},
    ),
    (
        errors.Invalid.of("DeleteOptions", "", (CAUSE,), group="meta.k8s.io"),
        422,
        f'DeleteOptions.meta.k8s.io "" is invalid: spec.replicas: {CAUSE.message}',
        {"group": "meta.k8s.io", "kind": "DeleteOptions", "causes": [CAUSE.body()]},
    ),
    (
        errors.Refused.named("deployments", "a", "exceeded quota: small", group="apps"),
        403,
        'deployments.apps "a" is forbidden: exceeded quota: small',
        {"name": "a", "group": "apps", "kind": "deployments"},
    ),
    (
        errors.Forbidden("cci:pod:get", details={"name": "a", "group": "", "kind": "pods"}),
        403,
        "insufficient operation permission, require cci:pod:get",
        {"name": "a", "kind": "pods"},
    ),
    (errors.MethodNotAllowed("not here"), 405, "not here", None),
    (errors.Expired("too old"), 410, "too old", None),
    (errors.UnsupportedMediaType("unknown format"), 415, "unknown format", None),
    (errors.TooManyRequests("later", retry_after=7), 429, "later", {"retryAfterSeconds": 7}),
    (errors.TooLarge.of_request("limit is 5"), 413, "Request entity is too large: limit is 5", None),
    (errors.BadRequest("no"), 400, "no", None),
]


@pytest.mark.parametrize(("error", "code", "message", "details"), NAMED, ids=lambda it: type(it).__name__)
def test_details_name_what_upstream_names_and_leave_out_what_is_empty(error, code, message, details) -> None:
    body = error.body()
    assert (body["code"], body["message"], body.get("details")) == (code, message, details)
