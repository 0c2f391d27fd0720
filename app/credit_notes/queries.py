"""Which credit notes are listed."""

from app.domain.credit_note import CreditNoteStatus
from app.http.parameters import IdQuery, ReferenceQuery
from app.http.queries import Paging


class CreditNotesQuery(Paging):
    """Which credit notes are listed."""

    invoice: IdQuery = None
    customer: IdQuery = None
    status: CreditNoteStatus | None = None
    reference: ReferenceQuery = None
