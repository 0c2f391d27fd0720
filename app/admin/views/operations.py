"""The view of operations: which writes are in flight, stuck, refused or done."""

from app.admin.models import Operation
from app.admin.views.table import ReadOnlyView


class OperationView(ReadOnlyView, model=Operation):
    """Operations. Only admins see parameters and answers, which hold personal data."""

    group = "Inbox"
    search = ("subject", "caller", "idempotency_key", "request_id")
    slices = {
        "in flight": "answered_at IS NULL",
        "stuck": "answered_at IS NULL AND (takeovers > 2 OR created_at < now() - interval '10 minutes')",
    }
    hidden = frozenset({"params", "answer_body"})
    column_list = [
        "id", "name", "subject", "caller", "created_at", "answer_status", "takeovers", "last_error"
    ]  # fmt: skip
    column_details_list = [
        "id", "name", "subject", "caller", "idempotency_key", "request_id", "created_at", "answered_at",
        "answer_status", "takeovers", "locked_until", "last_error", "progress", "params", "answer_body", "fingerprint",
    ]  # fmt: skip
