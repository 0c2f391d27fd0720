"""dj-stripe as its documentation sets it up: a Django project whose one page is dj-stripe's own webhook view.

`python -m bench.peers.djstripe_site` prepares the database; gunicorn serves `application`. It runs with the peers'
interpreter, so it imports nothing of ours. What costs and is not needed (sessions, the admin, request logs) is left out.

BENCH_PEER_STORES_ONLY: a DJSTRIPE_WEBHOOK_EVENT_CALLBACK, which its documentation has for a task queue, does nothing.
"""

import os

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from psycopg.conninfo import conninfo_to_dict

ENDPOINT = "6f1f3f5e-0d3b-4d5c-9a56-4f2f2a0c1d11"
CUSTOMERS = 1000


def _later(_trigger: object, **_: object) -> None:
    """Where a task queue would be told."""


_where = conninfo_to_dict(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="of-the-bench",  # noqa: S106 -- signs nothing
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _where["dbname"],
            "USER": _where["user"],
            "HOST": _where["host"],
            "CONN_MAX_AGE": None,
        }
    },
    MIGRATION_MODULES=dict.fromkeys(
        ("auth", "contenttypes", "djstripe")
    ),  # tables as models say; migrating takes minutes
    USE_TZ=True,
    STRIPE_LIVE_MODE=False,
    STRIPE_TEST_SECRET_KEY="sk_test_of0the0bench000000000000",  # noqa: S106 -- nobody's
    STRIPE_API_HOST=os.environ["STRIPE_API_BASE"],
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=_later if os.environ.get("BENCH_PEER_STORES_ONLY") else None,
)
django.setup()

from djstripe.models import Account, Customer, WebhookEndpoint  # noqa: E402 -- once Django is set up
from djstripe.views import ProcessWebhookView  # noqa: E402

urlpatterns = [
    path("webhooks/stripe", ProcessWebhookView.as_view(), {"uuid": ENDPOINT}),
    path("healthz", lambda _: HttpResponse("{}")),
]
application = get_wsgi_application()


def prepare() -> None:
    """The tables, the endpoint with its secret, and the customers, so that none of them is asked of Stripe."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    account = Account.get_or_retrieve_for_api_key(settings.STRIPE_TEST_SECRET_KEY)
    WebhookEndpoint.objects.create(
        id="we_bench",
        djstripe_uuid=ENDPOINT,
        djstripe_owner_account=account,
        secret=os.environ["BENCH_WEBHOOK_SECRET"],
        enabled_events=["*"],
        livemode=False,
        status="enabled",
        url="https://example.com/webhooks/stripe",
    )
    Customer.objects.bulk_create(
        Customer(
            id=f"cus_bench{number:06d}",
            djstripe_owner_account=account,
            livemode=False,
            stripe_data={"id": f"cus_bench{number:06d}", "object": "customer"},
        )
        for number in range(CUSTOMERS)
    )


if __name__ == "__main__":
    prepare()
