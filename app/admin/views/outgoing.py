"""The views of what goes out: mails and hooks, reminders, webhooks, with buttons to do it again."""

from sqladmin import expose
from starlette.requests import Request
from starlette.responses import Response

from app.admin.models import Delivery, FulfillmentAction, Reminder, WebhookEndpoint
from app.admin.row_actions import act_on_chosen
from app.admin.views.table import Button, ReadOnlyView
from app.domain.actions import ActionStatus, Moment
from app.domain.outgoing import DeliveryStatus, EndpointStatus
from app.domain.reminders import OVERDUE, REMINDED, WILL_BE_DUE, ReminderChannel

GROUP = "Going out"
REDELIVER = "/console/delivery/redeliver"
RETRY = "/console/fulfillment-action/retry"


class FulfillmentActionView(ReadOnlyView, model=FulfillmentAction):
    group = GROUP
    name = "Fulfillment action"
    search = ("id", "invoice", "fulfillment")
    choices = {"status": tuple(ActionStatus), "moment": tuple(Moment)}
    column_list = ["id", "action", "moment", "status", "attempts", "invoice", "created_at", "finished_at", "reason"]
    list_buttons = (Button("Try the chosen actions again", RETRY),)
    row_buttons = (Button("Try this action again", RETRY),)

    @expose("/retry", methods=["POST"])
    async def retry(self, request: Request) -> Response:
        """Retry those of the chosen actions that are not done."""
        use_case = self.container.actions.retry_fulfillment_action
        return await act_on_chosen(request, self.container, use_case, noun="action", done="queued to be tried again.")


class ReminderView(ReadOnlyView, model=Reminder):
    """What was told of the due dates of invoices."""

    group = GROUP
    search = ("id", "invoice")
    choices = {"type": (WILL_BE_DUE, OVERDUE, REMINDED), "channel": (ReminderChannel.MAIL, ReminderChannel.EVENT)}
    column_list = ["id", "invoice", "type", "day", "channel", "created_at"]


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
