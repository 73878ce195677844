"""Signing in and out, and the theme and the language a visitor chose. The only pages that need no session."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from console import spans
from iam import logins
from iam.models import User

THEMES = ("light", "dark", "system")
_YEAR = 365 * 24 * 3600


class SignInForm(forms.Form):
    account = forms.CharField(
        label=_("Account"), max_length=64, widget=forms.TextInput({"autocomplete": "organization", "autofocus": True})
    )
    user = forms.CharField(label=_("User"), max_length=64, widget=forms.TextInput({"autocomplete": "username"}))
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Back to the page asked for (`next`), if it is one of ours."""
    target = _target(request)
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST or None)
    refusal: logins.WrongLogin | logins.TooManyTries | None = None
    if request.method == "POST" and form.is_valid():
        try:
            user = logins.check(**form.cleaned_data, address=request.META.get("REMOTE_ADDR", ""))
        except (logins.WrongLogin, logins.TooManyTries) as wrong:
            refusal = wrong
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return _in_their_language(request, user, redirect(target))
    context = {
        "form": form,
        "next": target,
        "refusal": str(refusal or ""),
        "idle": spans.age(settings.SESSION_COOKIE_AGE),
    }
    if isinstance(refusal, logins.TooManyTries):
        response = render(request, "session/sign_in.html", context, status=429)
        response["Retry-After"] = str(refusal.retry_after)
        return response
    return render(request, "session/sign_in.html", context, status=422 if request.method == "POST" else 200)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("console:login")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Without script the button of the account menu posts here; with script the cookie is written in the page."""
    chosen = request.POST.get("theme", "")
    response = HttpResponseRedirect(_target(request))
    if chosen in THEMES:
        response.set_cookie("cci_theme", chosen, max_age=_YEAR, samesite="Lax")
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Kept by the browser, and by the user for browsers where none was chosen yet."""
    chosen = request.POST.get("language", "")
    response = HttpResponseRedirect(_target(request))
    if chosen in dict(settings.LANGUAGES):
        _keep_language(response, chosen)
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=chosen)
    return response


def _in_their_language(request: HttpRequest, user: User, response: HttpResponse) -> HttpResponse:
    """What was chosen in this browser wins over what the user chose in another."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and user.language in dict(settings.LANGUAGES):
        _keep_language(response, user.language)
    return response


def _keep_language(response: HttpResponse, chosen: str) -> None:
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen, max_age=_YEAR, samesite="Lax")


def _target(request: HttpRequest) -> str:
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if safe else resolve_url("console:overview")
