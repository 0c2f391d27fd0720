"""Which refunds are listed."""

from app.domain.refund import RefundStatus
from app.http.parameters import IdQuery, ReferenceQuery
from app.http.queries import Paging


class RefundsQuery(Paging):
    """Which refunds are listed."""

    invoice: IdQuery = None
    payment_intent: IdQuery = None
    status: RefundStatus | None = None
    reference: ReferenceQuery = None
