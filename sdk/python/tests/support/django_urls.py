"""The Django app's views."""

import asyncio
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


@require_user
async def later(request: HttpRequest) -> JsonResponse:
    await asyncio.sleep(0)
    return JsonResponse({"sub": visit(request).require_user().sub})


def boom(request: HttpRequest) -> JsonResponse:
    raise ZeroDivisionError


def api(request: HttpRequest) -> JsonResponse:
    auth: Any = request.mtas_auth
    return JsonResponse({"sub": auth.access_token(request, "read").sub})


setattr(private, "csrf_exempt", True)  # noqa: B010 - ours protects it, and that is what is tested
urlpatterns = [
    path("", index),
    path("private", private),
    path("later", later),
    path("boom", boom),
    path("api", api),
]
