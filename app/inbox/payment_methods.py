"""The handlers of events about SetupIntents and mandates, which say something of a saved payment method."""

from app.inbox.incoming import Incoming
from app.projection import setup_intent_statements, snapshot_rows
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered


def on_setup(unit: UnitOfWork, incoming: Incoming) -> None:
    """Record what became of a SetupIntent. The payment method that it saved is made known."""
    setup = incoming.event.object
    if not setup.get("customer"):
        incoming.invoice = ""  # it saves a method for nobody
        return
    if setup["status"] == "succeeded":
        _take_method(unit, incoming)
    unit.setups.append(setup_intent_statements.read(setup, incoming.event.created_at))


def on_mandate(unit: UnitOfWork, incoming: Incoming) -> None:
    """Record the status of a mandate with the payment method that it lets us charge."""
    subject, mandate, at = _take_method(unit, incoming), incoming.event.object, incoming.event.created_at
    known = unit.row(subject) if subject else None
    row = snapshot_rows.with_mandate(known, mandate["id"], mandate["status"], at, unit.now)
    if subject and row:
        unit.put(subject, row)


def _take_method(unit: UnitOfWork, incoming: Incoming) -> Subject | None:
    """The payment method that the event is about. One that is not known here is fetched first."""
    subject = incoming.method
    if subject and (fetched := incoming.fetched.get(subject)):
        unit.apply(fetched)
    elif subject and unit.row(subject) is None and not unit.is_gone(subject):
        raise Unordered(subject, unit.revision(subject))
    return subject
