"""The questions to Stripe that events raise, and their answers."""

from contextlib import suppress

from app.domain.errors import NotAtStripe
from app.inbox.incoming import AttemptUnclear, Incoming, Unlinked
from app.projection import observation
from app.projection.unit_of_work import Incomplete, Unordered
from app.stripe.client import StripeGateway
from app.stripe.mapping import Snapshot

MOST_QUESTIONS = 6
"""The most questions of one event in a row: link, invoice, PaymentIntent, and repeats if others were faster."""

Question = Unordered | Unlinked | AttemptUnclear
QUESTIONS = (Unordered, Unlinked, AttemptUnclear)


async def answer(gateway: StripeGateway, incoming: Incoming, question: Question) -> None:
    """Ask Stripe; what it says is found in `incoming` when the event is applied again.

    Raises NotAtStripe where Stripe does not know an object that it cannot have deleted, and the event does not say
    by itself what the object is.
    """
    match question:
        case Unordered():
            incoming.fetched[question.subject] = await _observed(gateway, incoming, question)
        case Unlinked():
            incoming.payment = await observation.invoice_of(gateway, question.payment_intent)
            incoming.invoice = incoming.payment.invoice if incoming.payment else ""
        case AttemptUnclear():
            intent = await observation.payment_intent(gateway, question.payment_intent)
            incoming.intent = (intent, question.over)


async def _observed(gateway: StripeGateway, incoming: Incoming, question: Unordered) -> Snapshot:
    """The object as Stripe has it now; as the event has it, where Stripe does not know it and the event can be read."""
    subject = question.subject
    found = None
    with suppress(NotAtStripe):
        found = await observation.observe(gateway, subject, question.over)
    if found and not (found.missing and incoming.finalized):
        return found
    written = None if isinstance(question, Incomplete) else incoming.written(subject, question.over)
    if written is None:
        raise NotAtStripe(subject.kind, subject.id)
    return written
