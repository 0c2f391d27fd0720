"""Which disputes are listed."""

from app.domain.dispute import DisputeStatus
from app.http.parameters import IdQuery
from app.http.queries import Paging


class DisputesQuery(Paging):
    """Which disputes are listed."""

    invoice: IdQuery = None
    payment_intent: IdQuery = None
    status: DisputeStatus | None = None
