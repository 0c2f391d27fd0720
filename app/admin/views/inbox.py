"""The views of the inbox, with buttons to replay events, and of operations."""

from typing import Any

import msgspec
from sqladmin import expose
from sqladmin.flash import Flash
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.admin.login import Operator, require_admin
from app.admin.models import Operation, WebhookEvent
from app.admin.row_actions import act_on_chosen, counted
from app.admin.views.table import Button, ReadOnlyView
from app.db.schema.inbox import INBOX_STATUSES
from app.domain.masking import impersonal
from app.inbox.replay_statements import Query

GROUP = "Inbox"
LIST = "/console/webhook-event/list"
REPLAY = "/console/webhook-event/replay"
REPLAY_DEAD = "/console/webhook-event/replay-dead"
AT_ONCE = 500
QUEUED = "queued to be processed again."


class WebhookEventView(ReadOnlyView, model=WebhookEvent):
    group = GROUP
    name_plural = "Inbox"
    order = ("received_at",)
    search = ("id", "object_id")
    choices = {"status": INBOX_STATUSES}
    column_list = ["id", "type", "object_id", "status", "attempts", "received_at", "last_error"]
    column_details_list = [
        "id", "type", "object_id", "status", "attempts", "last_error", "created_at", "received_at", "processed_at",
        "next_attempt_at", "source", "verified_by", "request_id", "api_version", "account", "livemode", "payload",
    ]  # fmt: skip
    list_buttons = (
        Button("Replay the chosen events", REPLAY),
        Button("Replay all dead letters", REPLAY_DEAD, confirm="Every dead event is processed again."),
    )
    row_buttons = (Button("Replay this event", REPLAY),)

    def value(self, obj: Any, prop: str, operator: Operator) -> Any:
        """The payload as a document. Operators who are no admins see it without personal data."""
        if prop != "payload":
            return super().value(obj, prop, operator)
        payload = msgspec.json.decode(obj.payload)
        return payload if operator.admin else impersonal(payload)

    @expose("/replay", methods=["POST"])
    async def replay(self, request: Request) -> Response:
        return await act_on_chosen(
            request, self.container, self.container.replay.replay_event, noun="event", done=QUEUED
        )

    @expose("/replay-dead", methods=["POST"])
    async def replay_dead(self, request: Request) -> Response:
        operator = require_admin(request)
        wanted = Query(status="dead")
        found = await self.container.replay.matching(wanted)
        queued = 0
        for start in range(0, len(found), AT_ONCE):
            portion = found[start : start + AT_ONCE]
            queued += len(
                await self.container.replay.requeue(
                    portion, wanted, actor=operator.caller, request_id=request.scope["request_id"]
                )
            )
        Flash.success(request, f"{counted(queued, 'event')} {QUEUED}")
        return RedirectResponse(LIST, 303)


class OperationView(ReadOnlyView, model=Operation):
    """Operations. Only admins see parameters, what of them is kept for a retry, and answers: they hold personal data."""

    group = GROUP
    search = ("subject", "caller", "idempotency_key", "request_id")
    slices = {
        "in flight": "answered_at IS NULL",
        "stuck": "answered_at IS NULL AND (takeovers > 2 OR created_at < now() - interval '10 minutes')",
    }
    hidden = frozenset({"params", "progress", "answer_body"})
    column_list = [
        "id", "name", "subject", "caller", "created_at", "answer_status", "takeovers", "last_error"
    ]  # fmt: skip
    column_details_list = [
        "id", "name", "subject", "caller", "idempotency_key", "request_id", "created_at", "answered_at",
        "answer_status", "takeovers", "locked_until", "last_error", "progress", "params", "answer_body", "fingerprint",
    ]  # fmt: skip
