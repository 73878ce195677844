"""The OpenAPI document at `/rest/schema/`, for who may use the API: YAML, or JSON with `?format=json` or `Accept`."""

from __future__ import annotations

from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.rest import schema as schemas


class DocumentView(APIView):
    renderer_classes = (OpenApiYamlRenderer, OpenApiYamlRenderer2, OpenApiJsonRenderer, OpenApiJsonRenderer2)
    schema = None

    def get(self, request: Request) -> Response:
        return Response(schemas.document())
