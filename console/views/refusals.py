"""What Django itself refuses before any view is asked, said as every other refusal is."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from workloads.meta.errors import BadRequest, StatusError, TooLarge


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A form that is too large, or a request that cannot be read."""
    refusal = _refusal_of(exception)
    return render(request, "refusal.html", {"refusal": refusal, "missing": False}, status=refusal.code)


def _refusal_of(exception: Exception) -> StatusError:
    if isinstance(exception, TooManyFieldsSent):
        sentence = _(
            "The form has more than %(most)s fields, so nothing of it was read. Go back and send fewer at once."
        )
        return TooLarge(sentence % {"most": f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,}"})
    if not isinstance(exception, RequestDataTooBig):
        return BadRequest(_("The request could not be read. Go back and send the form again."))
    most = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    sentence = _("What was sent is larger than %(most)s, so nothing of it was read. Go back and send less at once.")
    return TooLarge(sentence % {"most": most})
