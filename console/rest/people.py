"""Users, groups and policies of the account as JSON, for its administrators. What may be done and what is wrong with it
is said by `iam.people`; here it becomes requests, answers and Status."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.iamrefusals import status_of
from iam import errors, people
from iam.identities import Identity
from iam.models import Group, Policy, User
from iam.policies import SYSTEM, SystemPolicy
from workloads.meta.errors import BadRequest, Cause

JSON = dict[str, Any]


class _View(APIView):
    """What `iam` refuses becomes a Status. Changes that are denied are in the audit trail already, by `iam` itself."""

    def handle_exception(self, exc: Exception) -> Response:
        if not isinstance(exc, errors.IamError):
            return super().handle_exception(exc)
        refusal = status_of(exc)
        if self.request.method in SAFE_METHODS:
            return super().handle_exception(refusal)
        return Response(refusal.body(), status=refusal.code)


class UsersView(_View):
    def get(self, request: Request) -> Response:
        return Response({"items": [_user(user) for user in people.users(_identity(request))]})

    def post(self, request: Request) -> Response:
        """`{"name", "password", "groups": [], "policies": []}`."""
        asked = _fields(request, name=str, password=str, groups=list, policies=list)
        made = people.create_user(
            _identity(request),
            asked.get("name", ""),
            password=asked.get("password", ""),
            groups=asked.get("groups", []),
            policies=asked.get("policies", []),
        )
        return Response(_user(made), status=201)


class UserView(_View):
    def get(self, request: Request, name: str) -> Response:
        """With all that the user has in effect, by their groups, too."""
        by = _identity(request)
        found = people.effective(by, name)
        return Response(_user(people.user(by, name)) | {"effectivePolicies": list(found.policies)})

    def patch(self, request: Request, name: str) -> Response:
        """`{"password"}` sets another one, `{"active": false}` locks the user out."""
        by, asked = _identity(request), _fields(request, password=str, active=bool)
        if not asked:
            people.user(by, name)  # who may not even look is told so first
            raise BadRequest("nothing to change: give password or active")
        if "active" in asked:
            people.set_active(by, name, active=asked["active"])
        if "password" in asked:
            people.set_password(by, name, password=asked["password"])
        return Response(_user(people.user(by, name)))

    def delete(self, request: Request, name: str) -> Response:
        people.delete_user(_identity(request), name)
        return Response(status=204)


class GroupsView(_View):
    def get(self, request: Request) -> Response:
        return Response({"items": [_group(group) for group in people.groups(_identity(request))]})

    def post(self, request: Request) -> Response:
        """`{"name", "description", "policies": []}`."""
        asked = _fields(request, name=str, description=str, policies=list)
        made = people.create_group(
            _identity(request),
            asked.get("name", ""),
            description=asked.get("description", ""),
            policies=asked.get("policies", []),
        )
        return Response(_group(made), status=201)


class GroupView(_View):
    def get(self, request: Request, name: str) -> Response:
        return Response(_group(people.group(_identity(request), name)))

    def patch(self, request: Request, name: str) -> Response:
        """`{"description"}`."""
        asked = _fields(request, description=str)
        return Response(_group(people.describe_group(_identity(request), name, asked.get("description", ""))))

    def delete(self, request: Request, name: str) -> Response:
        people.delete_group(_identity(request), name)
        return Response(status=204)


class MemberView(_View):
    def put(self, request: Request, name: str, member: str) -> Response:
        return Response(_group(people.add_member(_identity(request), name, member)))

    def delete(self, request: Request, name: str, member: str) -> Response:
        return Response(_group(people.remove_member(_identity(request), name, member)))


class PoliciesView(_View):
    def get(self, request: Request) -> Response:
        """The system policies first, then the account's own."""
        own = people.custom_policies(_identity(request))
        return Response({"items": [*map(_policy, SYSTEM.values()), *map(_policy, own)]})

    def post(self, request: Request) -> Response:
        """`{"name", "description", "document": {"Version": "1.1", "Statement": [...]}}`."""
        asked = _fields(request, name=str, description=str, document=dict)
        made = people.create_policy(
            _identity(request),
            asked.get("name", ""),
            description=asked.get("description", ""),
            document=asked.get("document"),
        )
        return Response(_policy(made), status=201)


class PolicyView(_View):
    def get(self, request: Request, name: str) -> Response:
        return Response(_policy(people.policy(_identity(request), name)))

    def patch(self, request: Request, name: str) -> Response:
        """`{"description", "document"}`; what is left out stays."""
        asked = _fields(request, description=str, document=dict)
        changed = people.change_policy(
            _identity(request), name, document=asked.get("document"), description=asked.get("description")
        )
        return Response(_policy(changed))

    def delete(self, request: Request, name: str) -> Response:
        people.delete_policy(_identity(request), name)
        return Response(status=204)


class UserPolicyView(_View):
    def put(self, request: Request, name: str, policy: str) -> Response:
        people.attach(_identity(request), policy, user=name)
        return Response(_user(people.user(_identity(request), name)))

    def delete(self, request: Request, name: str, policy: str) -> Response:
        people.detach(_identity(request), policy, user=name)
        return Response(status=204)


class GroupPolicyView(_View):
    def put(self, request: Request, name: str, policy: str) -> Response:
        people.attach(_identity(request), policy, group=name)
        return Response(_group(people.group(_identity(request), name)))

    def delete(self, request: Request, name: str, policy: str) -> Response:
        people.detach(_identity(request), policy, group=name)
        return Response(status=204)


_TYPES: dict[type, str] = {str: "a text", list: "a list of names", bool: "true or false", dict: "an object"}


def _fields(request: Request, **known: type) -> JSON:
    """The body's fields. Raises BadRequest for what is unknown or of another type."""
    body = request.data
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    causes = [Cause(name, f"is unknown: known are {', '.join(known)}") for name in body if name not in known]
    causes += [
        Cause(name, f"must be {_TYPES[known[name]]}")
        for name, value in body.items()
        if name in known and not _fits(value, known[name])
    ]
    if causes:
        raise BadRequest("; ".join(f"{cause.field}: {cause.message}" for cause in causes), causes=tuple(causes))
    return dict(body)


def _fits(value: Any, wanted: type) -> bool:
    if isinstance(value, list):
        return wanted is list and all(isinstance(one, str) for one in value)
    return isinstance(value, wanted)


def _user(user: User) -> JSON:
    return {
        "name": user.name,
        "active": user.is_active,
        "created": user.created.isoformat(),
        "groups": sorted(group.name for group in user.groups.all()),
        "policies": people.attached_to(user),
    }


def _group(group: Group) -> JSON:
    return {
        "name": group.name,
        "description": group.description,
        "created": group.created.isoformat(),
        "members": sorted(member.name for member in group.members.all()),
        "policies": people.attached_to(group),
    }


def _policy(policy: Policy | SystemPolicy) -> JSON:
    return {
        "name": policy.name,
        "description": policy.description,
        "system": isinstance(policy, SystemPolicy),
        "document": policy.document,
    }


def _identity(request: Request) -> Identity:
    return cast(Identity, request.auth)
