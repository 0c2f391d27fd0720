"""All metrics of the service, with their names, descriptions and labels.

A metric with labels is a cached function from label values to the series. Label values come only from the code (route
templates, operations, error codes), never from callers. With several API processes the values are in files that they
share (PROMETHEUS_MULTIPROC_DIR, set by scraping.py before this module is imported), which makes a count four times as
expensive.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
STRIPE_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20)
WAIT_BUCKETS = (0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10)
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200)
"""Buckets from a delivery's acknowledgement on: milliseconds for what is quick, hours for what is stuck."""
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TASK_BUCKETS = (0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1800)

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began doubles their number


def _counter(name: str, about: str, *labels: str, known: Sequence[str] = ()) -> Callable[..., Counter]:
    """A counter with labels. The series of the label's `known` values are there from the start.

    So Prometheus sees even the first increase, which matters for rare counts that wake somebody.
    """
    series = cache(Counter(name, about, labels).labels)
    for value in known:
        series(value)
    return series


_level = partial(Gauge, multiprocess_mode="livesum")
"""What stands at a moment: the sum of all processes that live."""

BUILD = Gauge("invoicing_build_info", "Always 1; says which version runs.", ("version",), multiprocess_mode="max")

# --- requests ----------------------------------------------------------------------------------

HTTP_REQUESTS = _counter(
    "invoicing_http_requests", "Requests answered, by route template.", "method", "route", "status"
)
HTTP_SECONDS = cache(
    Histogram(
        "invoicing_http_request_duration_seconds",
        "From a request's head to the beginning of its answer.",
        ("method", "route"),
        buckets=REQUEST_BUCKETS,
    ).labels
)
RATE_LIMITED = _counter(
    "invoicing_rate_limited",
    "Requests refused because somebody asked too often.",
    "limit",
    known=("caller", "address", "failed"),
)
CONNECTIONS_DROPPED = _counter(
    "invoicing_connections_dropped",
    "Connections closed for what their other end did.",
    "why",
    known=("address", "bodies", "full", "idle", "large", "malformed", "queued", "slow", "unread"),
)
DELIVERIES = _counter(
    "invoicing_webhook_deliveries",
    "Deliveries: new, known, or the code of their refusal.",
    "outcome",
    known=("signature_absent", "signature_malformed", "signature_stale", "signature_forged", "new", "known"),
)
INTAKE_BATCH = Histogram("invoicing_intake_batch_events", "Deliveries that shared one commit.", buckets=BATCH_BUCKETS)
INTAKE_WAITING = _level("invoicing_intake_waiting", "Deliveries that wait for a commit right now.")

LISTENERS = _level("invoicing_event_listeners", "Streams and long polls that wait for events.")
STREAMS_ENDED = _counter(
    "invoicing_event_streams_ended",
    "Streams, by what ended them: left, lifetime, stopping, not_read, or a code.",
    "why",
    known=("left", "lifetime", "stopping", "not_read"),
)

# --- operations --------------------------------------------------------------------------------

OPERATIONS = _counter(
    "invoicing_operations",
    "Writes under a key: done, replayed, mismatch, in_progress, or the code of their failure.",
    "operation",
    "outcome",
)
COMPLETIONS = _counter(
    "invoicing_operation_completions",
    "Writes that nobody asked for any more, taken over by the worker: finished, undone, or failed for now.",
    "outcome",
    known=("finished", "undone", "failed"),
)

# --- Stripe ------------------------------------------------------------------------------------

STRIPE_CALLS = _counter("invoicing_stripe_calls", "Calls to Stripe: ok, replayed, or a code.", "operation", "outcome")
STRIPE_SECONDS = cache(
    Histogram(
        "invoicing_stripe_call_duration_seconds",
        "A call to Stripe with all its tries and pauses.",
        ("operation",),
        buckets=STRIPE_BUCKETS,
    ).labels
)
STRIPE_RETRIES = _counter("invoicing_stripe_retries", "Tries after the first.", "operation")
STRIPE_TURNED_AWAY = _counter(
    "invoicing_stripe_turned_away", "Calls refused here, by circuit or limiter.", "by", known=("circuit", "limiter")
)
STRIPE_WAIT = Histogram(
    "invoicing_stripe_limiter_wait_seconds", "What a call waited for its turn.", buckets=WAIT_BUCKETS
)
STRIPE_CIRCUIT = Gauge("invoicing_stripe_circuit_state", "0 closed, 1 half open, 2 open.", multiprocess_mode="livemax")
STRIPE_RATE = _level("invoicing_stripe_rate_per_second", "Calls a second that are allowed now.")
STRIPE_IN_FLIGHT = _level("invoicing_stripe_in_flight", "Calls under way.")
STRIPE_WAITING = _level("invoicing_stripe_waiting", "Calls that wait for a slot.")

# --- the database ------------------------------------------------------------------------------

POOL = cache(
    Gauge(
        "invoicing_database_pool_connections",
        "Connections of the pool: in_use, idle, and the most there may be.",
        ("state",),
        multiprocess_mode="livesum",
    ).labels
)
POOL_WAIT = Histogram(
    "invoicing_database_pool_wait_seconds", "What a request or job waited for a connection.", buckets=WAIT_BUCKETS
)
DATABASE_ERRORS = _counter(
    "invoicing_database_errors",
    "Statements that found the database not available.",
    "error",
    known=("OSError", "TimeoutError"),
)

# --- the worker --------------------------------------------------------------------------------

EVENTS = _counter(
    "invoicing_events",
    "Tries of events by what became of them: processed, ignored, asked (of Stripe), failed, dead.",
    "family",
    "outcome",
)
EVENT_LATENCY = Histogram(
    "invoicing_event_latency_seconds", "From a delivery's acknowledgement to its effects.", buckets=LATENCY_BUCKETS
)
FULFILLMENT_LATENCY = Histogram(
    "invoicing_fulfillment_latency_seconds",
    "From the acknowledgement of the delivery that says paid to the fulfillment.",
    buckets=LATENCY_BUCKETS,
)
FULFILLMENTS = _counter("invoicing_fulfillments", "Fulfillments that came to a status.", "status")
BATCH = Histogram("invoicing_worker_batch_events", "Events taken at once.", buckets=BATCH_BUCKETS)
BATCH_SECONDS = Histogram(
    "invoicing_worker_batch_duration_seconds", "A batch, without what asks Stripe.", buckets=REQUEST_BUCKETS
)
EVENTS_ASKING = _level("invoicing_worker_events_asking", "Events that wait for an answer of Stripe's.")
PUSH_ATTEMPTS = _counter(
    "invoicing_push_attempts", "Attempts to deliver to others: accepted, or why they failed.", "outcome"
)
PUSH_LATENCY = Histogram(
    "invoicing_push_latency_seconds", "From a change to its acceptance by an endpoint.", buckets=LATENCY_BUCKETS
)
PUSH_UNDER_WAY = _level("invoicing_push_under_way", "Deliveries under way.")
PUSH_DISABLED = _counter(
    "invoicing_push_endpoints_disabled", "Endpoints given up: gone, failing.", "reason", known=("gone", "failing")
)
DOCUMENTS = _counter(
    "invoicing_documents_rebuilt",
    "Documents made anew of rows that held none or older ones: of columns, of a stored event, or asked of Stripe.",
    "source",
)
LEADER = _level("invoicing_housekeeper_leader", "1 in the process that keeps house.")
TASKS = _counter("invoicing_housekeeping_runs", "Periodic tasks: ok or failed.", "task", "outcome")
TASK_SECONDS = cache(
    Histogram("invoicing_housekeeping_duration_seconds", "A periodic task.", ("task",), buckets=TASK_BUCKETS).labels
)
TASK_SUCCEEDED = cache(
    Gauge(
        "invoicing_housekeeping_last_success_timestamp_seconds",
        "When a task last succeeded in this process.",
        ("task",),
        multiprocess_mode="livemax",
    ).labels
)

# --- what goes out -----------------------------------------------------------------------------

ACTIONS = _counter(
    "invoicing_fulfillment_actions",
    "Tries of fulfillment actions: done, skipped, failed (it is tried again) or dead.",
    "action",
    "outcome",
)
ACTIONS_DIFFERING = Gauge(
    "invoicing_fulfillment_actions_differing",
    "Actions that this worker does and the one that started last does not, or the reverse.",
    multiprocess_mode="livemax",
)
REMINDERS = _counter(
    "invoicing_reminders",
    "Reminders told in the feed: with the actions that mail, or alone.",
    "channel",
    known=("mail", "event"),
)


def task(name: str) -> None:
    """Create the series of a periodic task, so that they start at 0."""
    for outcome in ("ok", "failed"):
        TASKS(name, outcome)


def action(name: str) -> None:
    """Create the series of a fulfillment action, so that they start at 0."""
    for outcome in ("done", "failed", "dead"):
        ACTIONS(name, outcome)


def family(event_type: str) -> str:
    """The family of an event type, `invoice` of `invoice.paid`. For handled types these are few enough for a label."""
    return event_type.partition(".")[0]
