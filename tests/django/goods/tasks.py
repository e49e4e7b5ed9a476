from celery import shared_task
from goods.models import Thing


@shared_task
def record(name):
    Thing.objects.create(name=name)
