"""The view of fulfillment actions (mails and hooks), with a button to retry them."""

from sqladmin import expose
from starlette.requests import Request
from starlette.responses import Response

from app.admin.models import FulfillmentAction, Reminder
from app.admin.row_actions import act_on_chosen
from app.admin.views.table import Button, ReadOnlyView
from app.domain.actions import ActionStatus, Moment
from app.domain.reminders import OVERDUE, REMINDED, WILL_BE_DUE, ReminderChannel

RETRY = "/console/fulfillment-action/retry"


class FulfillmentActionView(ReadOnlyView, model=FulfillmentAction):
    group = "Going out"
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

    group = "Going out"
    search = ("id", "invoice")
    choices = {"type": (WILL_BE_DUE, OVERDUE, REMINDED), "channel": (ReminderChannel.MAIL, ReminderChannel.EVENT)}
    column_list = ["id", "invoice", "type", "day", "channel", "created_at"]
