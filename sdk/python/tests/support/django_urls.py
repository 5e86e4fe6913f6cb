"""The Django app's views."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path

from mtas.django import require_user, visit


def index(request: HttpRequest) -> JsonResponse:
    user = visit(request).user
    return JsonResponse({"user": user.email if user else None})


@require_user
def private(request: HttpRequest) -> JsonResponse:
    return JsonResponse(dict(visit(request).require_user().claims))


def boom(request: HttpRequest) -> JsonResponse:
    raise ZeroDivisionError


def api(request: HttpRequest) -> JsonResponse:
    auth: Any = request.mtas_auth
    return JsonResponse({"sub": auth.access_token(request, "read").sub})


setattr(private, "csrf_exempt", True)  # noqa: B010 - ours protects it, and that is what is tested
urlpatterns = [path("", index), path("private", private), path("boom", boom), path("api", api)]
