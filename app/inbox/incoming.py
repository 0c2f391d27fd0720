"""An event in process: what it is about, and the answers of Stripe that it needed."""

from dataclasses import dataclass, field

from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.sources import id_of
from app.inbox.envelope import Event
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered
from app.stripe.client import API_VERSION
from app.stripe.mapping import REUSED, InvoicePayment, Kind, ObservationWindow, Snapshot, invoice_payment, snapshot

KINDS = {kind.value: kind for kind in Kind}

OF_INVOICES = frozenset({"invoice_payment", "credit_note"})
"""Stripe's names of objects that say which invoice they belong to."""
OF_PAYMENTS = frozenset({"payment_intent", "charge", "refund", "dispute", "radar.early_fraud_warning"})
"""Stripe's names of objects that say which PaymentIntent they belong to, but not which invoice that pays."""

OF_METHODS = frozenset({"setup_intent", "mandate"})
"""Stripe's names of objects that say which payment method they are about."""

FIRST = (".created", ".attached")
"""How the types of events end that tell of an object for the first time."""


class Unlinked(Exception):
    """The invoice that this PaymentIntent pays is not known here."""

    def __init__(self, payment_intent: str) -> None:
        super().__init__(f"the invoice of {payment_intent} must be looked up")
        self.payment_intent = payment_intent


class AttemptUnclear(Exception):
    """Two reports of one second: the PaymentIntent must be asked. The answer counts if `over` is still the last."""

    def __init__(self, payment_intent: str, over: tuple[object, ...]) -> None:
        super().__init__(f"{payment_intent} must be fetched")
        self.payment_intent = payment_intent
        self.over = over


@dataclass(slots=True)
class Incoming:
    """An event in process, with the answers of Stripe it needed.

    method: the payment method that a SetupIntent or mandate is about. payment_intent: the payment that the event is
    about; its invoice is to be found. invoice: the invoice of a payment, or of what came back of one; None if not known
    yet, "" if Stripe says that it pays none. payment: that which says so, if it was fetched. link: the InvoicePayment
    that the event itself tells. fetched: snapshots by subject. intent: the PaymentIntent as it is now, and the reports
    known when it was asked. applied: the event's effects were committed before. finalized: the event says that its
    invoice is no draft any more, so Stripe cannot have deleted it.
    """

    event: Event
    fetched: dict[Subject, Snapshot] = field(default_factory=dict)
    invoice: str | None = None
    payment: InvoicePayment | None = None
    link: InvoicePayment | None = None
    intent: tuple[JsonObject, tuple[object, ...]] | None = None
    applied: bool = False
    finalized: bool = False
    payment_intent: str | None = None
    method: Subject | None = None
    _mirrored: Subject | None = None

    def __post_init__(self) -> None:
        named = self.event.object.get("object", "")
        self.finalized = (
            named == "invoice" and self.event.object.get("status", InvoiceStatus.DRAFT) != InvoiceStatus.DRAFT
        )
        if kind := KINDS.get(named):
            self._mirrored = Subject(kind, self.event.object["id"])
        if named in OF_METHODS and (method := id_of(self.event.object.get("payment_method"))):
            self.method = Subject(Kind.PAYMENT_METHOD, method)
        if named in OF_INVOICES:
            self.invoice = id_of(self.event.object["invoice"])
            if named == "invoice_payment" and not self.foreign:
                self.link = invoice_payment(self.event.object)
        elif named in OF_PAYMENTS:
            self.payment_intent = id_of(self.event.object["id" if named == "payment_intent" else "payment_intent"])
            self.invoice = None if self.payment_intent else ""

    @property
    def unlinked(self) -> str | None:
        """The PaymentIntent whose invoice is not known yet; None if there is none to look for."""
        return self.payment_intent if self.invoice is None else None

    @property
    def subjects(self) -> list[Subject]:
        """The objects that the event changes: a mirrored one, the payment method it is about, the invoice of a payment."""
        invoice = Subject(Kind.INVOICE, self.invoice) if self.invoice else None
        return [subject for subject in (self._mirrored, self.method, invoice) if subject]

    @property
    def about(self) -> str | None:
        """The id of the invoice that the event is about, if it is known."""
        return next((subject.id for subject in self.subjects if subject.kind is Kind.INVOICE), None)

    @property
    def foreign(self) -> bool:
        """Whether the event is written in another API version, so that its object must not be read."""
        return self.event.api_version != API_VERSION

    def written(self, subject: Subject, over: int) -> Snapshot | None:
        """`subject` as the event shows it, taken as newer than revision `over`; None if the event cannot be read."""
        if self.foreign or subject != self._mirrored:
            return None
        window = ObservationWindow(self.event.created_at, self.event.created_at, over=over)
        return snapshot(subject.kind, self.event.object, window).belongs_to(self.invoice)

    def apply(self, unit: UnitOfWork, *, deleted: bool = False) -> Subject:
        """Apply the event's snapshot, or the one fetched instead. Returns its subject.

        The first state of an object is older than anything else known of it, unless its id can be used again. If less of an
        invoice is paid than before, a payment was detached: the invoice is fetched, because only Stripe's list says which.
        """
        event = self.event
        subject = self._mirrored or Subject(KINDS[event.object["object"]], event.object["id"])
        taken = self.fetched.get(subject)
        if taken is None and self.foreign and not deleted:
            if unit.is_gone(subject) and not self.finalized:
                return subject
            raise Unordered(subject, unit.revision(subject))
        if taken is None:
            first = event.type.endswith(FIRST) and subject.kind not in REUSED
            window = ObservationWindow(event.created_at, event.created_at, first=first)
            said = {"id": subject.id, "deleted": True} if self.foreign else event.object
            taken = snapshot(subject.kind, said, window, deleted=deleted)
        known, over = unit.row(subject) or {}, unit.revision(subject)
        unit.apply(taken.belongs_to(self.invoice))
        now = unit.row(subject) or {}
        if subject not in self.fetched and now.get("amount_paid", 0) < known.get("amount_paid", 0):
            raise Unordered(subject, over)
        return subject
