"""Users, groups and policies of the account as JSON, for its administrators. What may be done and what is wrong with it
is said by `iam.people`; here it becomes requests, answers and Status."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.rest import paging
from console.rest.answers.people import (
    GroupAnswer,
    GroupsAnswer,
    OneUserAnswer,
    PoliciesAnswer,
    PolicyAnswer,
    UserAnswer,
    UsersAnswer,
)
from console.rest.answers.shapes import names
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from iam import people
from iam.models import Group, Policy, User
from iam.policies import SYSTEM, SystemPolicy
from workloads.meta.errors import BadRequest, Cause

JSON = dict[str, Any]


class PeopleQuestion(Listed):
    """`?q=bob&limit=100`: those whose name contains `q`."""

    q = serializers.CharField(default="", allow_blank=True, max_length=64)


class UserQuestion(serializers.Serializer[JSON]):
    name = serializers.CharField()
    password = serializers.CharField()
    groups = names(required=False)
    policies = names(required=False)


class UserChange(serializers.Serializer[JSON]):
    password = serializers.CharField(required=False)
    active = serializers.BooleanField(required=False)


class GroupQuestion(serializers.Serializer[JSON]):
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    policies = names(required=False)


class GroupChange(serializers.Serializer[JSON]):
    description = serializers.CharField()


class PolicyQuestion(serializers.Serializer[JSON]):
    name = serializers.CharField()
    description = serializers.CharField(required=False)
    document = serializers.DictField()


class PolicyChange(serializers.Serializer[JSON]):
    description = serializers.CharField(required=False)
    document = serializers.DictField(required=False)


class UsersView(Resource):
    @operation("List users", query=PeopleQuestion, answer=UsersAnswer)
    def get(self, request: Request) -> Response:
        asked = read(PeopleQuestion, request.query_params)
        found = people.users(identity(request), part=asked["q"], after=_after("users", asked), limit=asked["limit"] + 1)
        return Response(paging.answer("users", asked, found, key=_by_name, body=_user))

    @operation("Make a user", body=UserQuestion, answer=UserAnswer, code=201)
    def post(self, request: Request) -> Response:
        """`{"name", "password", "groups": [], "policies": []}`."""
        asked = _fields(request, name=str, password=str, groups=list, policies=list)
        made = people.create_user(
            identity(request),
            asked.get("name", ""),
            password=asked.get("password", ""),
            groups=asked.get("groups", []),
            policies=asked.get("policies", []),
        )
        return Response(_user(made), status=201)


class UserView(Resource):
    @operation("One user", answer=OneUserAnswer)
    def get(self, request: Request, name: str) -> Response:
        """With all that the user has in effect, by their groups, too."""
        by = identity(request)
        found = people.effective(by, name)
        return Response(_user(people.user(by, name)) | {"effectivePolicies": list(found.policies)})

    @operation("Lock a user out, or set a password", body=UserChange, answer=UserAnswer)
    def patch(self, request: Request, name: str) -> Response:
        """`{"password"}` sets another one, `{"active": false}` locks the user out."""
        by, asked = identity(request), _fields(request, password=str, active=bool)
        if not asked:
            people.user(by, name)  # who may not even look is told so first
            raise BadRequest("nothing to change: give password or active")
        if "active" in asked:
            people.set_active(by, name, active=asked["active"])
        if "password" in asked:
            people.set_password(by, name, password=asked["password"])
        return Response(_user(people.user(by, name)))

    @operation("Delete a user", code=204)
    def delete(self, request: Request, name: str) -> Response:
        people.delete_user(identity(request), name)
        return Response(status=204)


class GroupsView(Resource):
    @operation("List groups", query=PeopleQuestion, answer=GroupsAnswer)
    def get(self, request: Request) -> Response:
        asked = read(PeopleQuestion, request.query_params)
        found = people.groups(
            identity(request), part=asked["q"], after=_after("groups", asked), limit=asked["limit"] + 1
        )
        return Response(paging.answer("groups", asked, found, key=_by_name, body=_group))

    @operation("Make a group", body=GroupQuestion, answer=GroupAnswer, code=201)
    def post(self, request: Request) -> Response:
        """`{"name", "description", "policies": []}`."""
        asked = _fields(request, name=str, description=str, policies=list)
        made = people.create_group(
            identity(request),
            asked.get("name", ""),
            description=asked.get("description", ""),
            policies=asked.get("policies", []),
        )
        return Response(_group(made), status=201)


class GroupView(Resource):
    @operation("One group", answer=GroupAnswer)
    def get(self, request: Request, name: str) -> Response:
        return Response(_group(people.group(identity(request), name)))

    @operation("Describe a group", body=GroupChange, answer=GroupAnswer)
    def patch(self, request: Request, name: str) -> Response:
        """`{"description"}`."""
        asked = _fields(request, description=str)
        return Response(_group(people.describe_group(identity(request), name, asked.get("description", ""))))

    @operation("Delete a group", code=204)
    def delete(self, request: Request, name: str) -> Response:
        people.delete_group(identity(request), name)
        return Response(status=204)


class MemberView(Resource):
    @operation("Put a user into a group", answer=GroupAnswer)
    def put(self, request: Request, name: str, member: str) -> Response:
        return Response(_group(people.add_member(identity(request), name, member)))

    @operation("Take a user out of a group", answer=GroupAnswer)
    def delete(self, request: Request, name: str, member: str) -> Response:
        return Response(_group(people.remove_member(identity(request), name, member)))


class PoliciesView(Resource):
    @operation("List policies", query=Listed, answer=PoliciesAnswer)
    def get(self, request: Request) -> Response:
        """The system policies first, then the account's own."""
        asked, own = read(Listed, request.query_params), people.custom_policies(identity(request))
        everything: list[tuple[int, str, SystemPolicy | Policy]] = [
            *((0, f"{place:02}", one) for place, one in enumerate(SYSTEM.values())),
            *((1, one.name, one) for one in own),
        ]
        return Response(
            paging.page("policies", asked, everything, key=lambda one: one[:2], body=lambda one: _policy(one[2]))
        )

    @operation("Make a policy", body=PolicyQuestion, answer=PolicyAnswer, code=201)
    def post(self, request: Request) -> Response:
        """`{"name", "description", "document": {"Version": "1.1", "Statement": [...]}}`."""
        asked = _fields(request, name=str, description=str, document=dict)
        made = people.create_policy(
            identity(request),
            asked.get("name", ""),
            description=asked.get("description", ""),
            document=asked.get("document"),
        )
        return Response(_policy(made), status=201)


class PolicyView(Resource):
    @operation("One policy", answer=PolicyAnswer)
    def get(self, request: Request, name: str) -> Response:
        return Response(_policy(people.policy(identity(request), name)))

    @operation("Change a policy", body=PolicyChange, answer=PolicyAnswer)
    def patch(self, request: Request, name: str) -> Response:
        """`{"description", "document"}`; what is left out stays."""
        asked = _fields(request, description=str, document=dict)
        changed = people.change_policy(
            identity(request), name, document=asked.get("document"), description=asked.get("description")
        )
        return Response(_policy(changed))

    @operation("Delete a policy", code=204)
    def delete(self, request: Request, name: str) -> Response:
        people.delete_policy(identity(request), name)
        return Response(status=204)


class UserPolicyView(Resource):
    @operation("Attach a policy to a user", answer=UserAnswer)
    def put(self, request: Request, name: str, policy: str) -> Response:
        people.attach(identity(request), policy, user=name)
        return Response(_user(people.user(identity(request), name)))

    @operation("Detach a policy from a user", code=204)
    def delete(self, request: Request, name: str, policy: str) -> Response:
        people.detach(identity(request), policy, user=name)
        return Response(status=204)


class GroupPolicyView(Resource):
    @operation("Attach a policy to a group", answer=GroupAnswer)
    def put(self, request: Request, name: str, policy: str) -> Response:
        people.attach(identity(request), policy, group=name)
        return Response(_group(people.group(identity(request), name)))

    @operation("Detach a policy from a group", code=204)
    def delete(self, request: Request, name: str, policy: str) -> Response:
        people.detach(identity(request), policy, group=name)
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


def _by_name(one: User | Group) -> tuple[str]:
    return (one.name,)


def _after(name: str, asked: JSON) -> str:
    place = paging.after(name, asked, str)
    return str(place[0]) if place else ""
