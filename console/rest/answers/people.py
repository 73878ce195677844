"""Answers about who may do what, and who did."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import Paged, names

JSON = dict[str, Any]


class EntryAnswer(serializers.Serializer[JSON]):
    """`previous` and `digest` are the seal: each entry's `previous` is the `digest` of the one before it."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    user = serializers.CharField()
    door = serializers.CharField()
    address = serializers.CharField()
    agent = serializers.CharField()
    action = serializers.CharField()
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    subresource = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["done", "denied", "failed"])
    message = serializers.CharField()
    changes = serializers.ListField(child=serializers.DictField())
    previous = serializers.CharField()
    digest = serializers.CharField()


class AuditAnswer(serializers.Serializer[JSON]):
    items = EntryAnswer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="What to give as `before` for those that are older.")


class UserAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    active = serializers.BooleanField()
    created = serializers.DateTimeField()
    groups = names()
    policies = names()


class OneUserAnswer(UserAnswer):
    effectivePolicies = names()


class GroupAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    description = serializers.CharField()
    created = serializers.DateTimeField()
    members = names()
    policies = names()


class PolicyAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    description = serializers.CharField()
    system = serializers.BooleanField()
    document = serializers.DictField()


class UsersAnswer(Paged):
    items = UserAnswer(many=True)


class GroupsAnswer(Paged):
    items = GroupAnswer(many=True)


class PoliciesAnswer(Paged):
    items = PolicyAnswer(many=True)
