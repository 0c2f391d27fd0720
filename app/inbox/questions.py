"""The questions to Stripe that events raise, and their answers."""

from app.inbox.handlers import AttemptUnclear, Incoming, Unlinked
from app.projection import observation
from app.projection.unit_of_work import Unordered
from app.stripe.client import StripeGateway

MOST_QUESTIONS = 6
"""The most questions of one event in a row: link, invoice, PaymentIntent, and repeats if others were faster."""

Question = Unordered | Unlinked | AttemptUnclear
QUESTIONS = (Unordered, Unlinked, AttemptUnclear)


async def answer(gateway: StripeGateway, incoming: Incoming, question: Question) -> None:
    """Ask Stripe, and store the answer in `incoming` for the next try."""
    match question:
        case Unordered():
            found = await observation.observe(gateway, question.subject, question.over)
            incoming.fetched[question.subject] = found
        case Unlinked():
            incoming.link = await observation.invoice_of(gateway, question.payment_intent)
            incoming.invoice = incoming.link["invoice"] if incoming.link else ""
        case AttemptUnclear():
            intent = await observation.payment_intent(gateway, question.payment_intent)
            incoming.intent = (intent, question.over)
