"""Answers about ELBs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.rest.answers.shapes import Paged, ReferenceAnswer, names

JSON = dict[str, Any]


class QuotaAnswer(serializers.Serializer[JSON]):
    used = serializers.IntegerField()
    limit = serializers.IntegerField()


class PortAnswer(serializers.Serializer[JSON]):
    port = serializers.IntegerField()
    protocol = serializers.CharField()


class ElbAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField()
    id = serializers.CharField()
    address = serializers.CharField()
    internalAddress = serializers.CharField()
    description = serializers.CharField()
    state = serializers.CharField()
    message = serializers.CharField()
    listeners = PortAnswer(many=True)
    workloads = ReferenceAnswer(many=True)
    problems = serializers.ListField(child=serializers.DictField())
    created = serializers.CharField()


class ElbsAnswer(Paged):
    items = ElbAnswer(many=True)
    quota = QuotaAnswer()


class ElbServiceAnswer(serializers.Serializer[JSON]):
    namespace = serializers.CharField()
    name = serializers.CharField()
    port = serializers.CharField()


class BackendsAnswer(serializers.Serializer[JSON]):
    ready = serializers.IntegerField()
    total = serializers.IntegerField()


class RuleAnswer(serializers.Serializer[JSON]):
    requests = serializers.CharField()
    exact = serializers.BooleanField()
    redirect = serializers.CharField(required=False)
    service = ElbServiceAnswer(required=False)
    by = ReferenceAnswer()
    backends = BackendsAnswer(required=False)


class CertificateAnswer(serializers.Serializer[JSON]):
    secret = serializers.CharField()
    subject = serializers.CharField()
    names = names()
    ends = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField()


class ListenerAnswer(PortAnswer):
    rules = RuleAnswer(many=True)
    certificates = CertificateAnswer(many=True)
    hidden = serializers.IntegerField(help_text="Rules of what the caller may not see.")


class OneElbAnswer(ElbAnswer):
    listeners = ListenerAnswer(many=True)
    figures = serializers.ListField(child=serializers.DictField(), required=False)
