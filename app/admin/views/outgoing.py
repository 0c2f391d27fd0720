"""The views of outgoing webhooks: endpoints, deliveries, and a button to redeliver."""

from sqladmin import expose
from starlette.requests import Request
from starlette.responses import Response

from app.admin.models import Delivery, WebhookEndpoint
from app.admin.row_actions import act_on_chosen
from app.admin.views.table import Button, ReadOnlyView
from app.domain.outgoing import DeliveryStatus, EndpointStatus

GROUP = "Going out"
REDELIVER = "/console/delivery/redeliver"


class WebhookEndpointView(ReadOnlyView, model=WebhookEndpoint):
    """Endpoints. Only admins see their URLs, which may hold secrets of their owners."""

    group = GROUP
    name = "Endpoint"
    choices = {"status": tuple(EndpointStatus)}
    hidden = frozenset({"url"})
    secret = frozenset({"secrets"})
    column_list = ["id", "url", "status", "disabled_reason", "failing_since", "created_at", "deleted_at"]


class DeliveryView(ReadOnlyView, model=Delivery):
    group = GROUP
    name_plural = "Deliveries"
    search = ("id", "endpoint", "event", "invoice")
    choices = {"status": tuple(DeliveryStatus)}
    column_list = ["id", "type", "status", "attempts", "endpoint", "invoice", "created_at", "delivered_at"]
    list_buttons = (Button("Deliver the chosen ones again", REDELIVER),)
    row_buttons = (Button("Deliver this again", REDELIVER),)

    @expose("/redeliver", methods=["POST"])
    async def redeliver(self, request: Request) -> Response:
        use_case = self.container.redelivery.redeliver
        return await act_on_chosen(request, self.container, use_case, noun="delivery", done="queued to be made again.")
