from django.core.cache import cache
from django.http import JsonResponse
from django.urls import path
from goods.models import Thing
from goods.tasks import record


def things(request):
    return JsonResponse({"things": list(Thing.objects.order_by("id").values())})


def remember(request, value):
    cache.set("value", value)
    return JsonResponse({"value": cache.get("value")})


def recall(request):
    return JsonResponse({"value": cache.get("value")})


def send(request, name):
    record.delay(name)
    return JsonResponse({"sent": name})


urlpatterns = [
    path("things", things),
    path("remember/<str:value>", remember),
    path("recall", recall),
    path("send/<str:name>", send),
]
