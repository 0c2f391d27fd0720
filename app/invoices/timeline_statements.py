"""The SQL statements of an invoice's timeline, over the rows that are stored anyway."""

from datetime import datetime

import msgspec

from app.db.engine import Connection
from app.domain.json import JsonObject

_ENTRIES = """
WITH related AS (
    -- the ids of the invoice, of its payments, and of what came back of them
    SELECT ARRAY(
        SELECT $1 UNION
        SELECT unnest(ARRAY[payment_intent, id]) FROM invoice_payments WHERE invoice = $1 UNION
        SELECT unnest(ARRAY[id, charge]) FROM refunds WHERE invoice = $1 UNION
        SELECT unnest(ARRAY[id, charge]) FROM disputes WHERE invoice = $1 UNION
        SELECT id FROM credit_notes WHERE invoice = $1
    ) AS ids
), events AS (
    SELECT event.*, replace(payload, '\\u0000', '\\ufffd')::jsonb -> 'request' AS request -- PostgreSQL reads no NUL
    FROM webhook_events event
    WHERE object_id = ANY ((SELECT ids FROM related)::text[])
), asked AS (
    SELECT DISTINCT ON (operation.id) operation.*
    FROM operations operation WHERE operation.subject = ANY ((SELECT ids FROM related)::text[])
), calls AS (
    SELECT DISTINCT ON (request ->> 'id')
        greatest(events.created_at, asked.created_at) AS at, request,
        substring(request ->> 'idempotency_key' FROM '^inv-[0-9a-f]{32}-([a-z_]+)') AS step, asked.id AS operation,
        events.received_at
    FROM events LEFT JOIN asked
        ON asked.id::text = regexp_replace(
            substring(request ->> 'idempotency_key' FROM '^inv-([0-9a-f]{32})-'),
            '(.{8})(.{4})(.{4})(.{4})(.{12})', '\\1-\\2-\\3-\\4-\\5'
        )
    WHERE request ->> 'id' IS NOT NULL
    ORDER BY request ->> 'id', events.created_at, events.received_at
), entries AS (
    SELECT created_at AS at, 0 AS rank, 0 AS number, 'request' AS kind, name AS what, jsonb_build_object(
        'operation', id, 'request_id', request_id, 'caller', caller, 'answered_at', answered_at,
        'status', nullif(answer_status, 0),
        'refused', CASE WHEN answer_status = 0 THEN answer_body::jsonb ->> 'code' END
    ) AS data FROM asked
    UNION ALL
    -- Stripe's times are whole seconds: within one, what an operation did first comes first, then what was told first
    SELECT at, 1, row_number() OVER (ORDER BY at, array_position(ARRAY['create', 'items'], step), received_at),
        'stripe_call', coalesce(step, 'elsewhere'), jsonb_build_object(
        'stripe_request', request ->> 'id', 'idempotency_key', request ->> 'idempotency_key', 'operation', operation
    ) FROM calls
    UNION ALL
    SELECT received_at, 2, extract(epoch FROM created_at)::bigint, 'event', type, jsonb_build_object(
        'event', id, 'status', status, 'attempts', attempts, 'last_error', last_error, 'source', source,
        'stripe_created_at', created_at, 'processed_at', processed_at
    ) FROM events
    UNION ALL
    SELECT at, 3, id, CASE subject WHEN 'invoice' THEN 'transition' ELSE subject END, became,
        CASE
            WHEN schema_version = 0 THEN data -- older than the feed
            WHEN subject = 'invoice' THEN jsonb_build_object(
                'number', data #> '{invoice,number}', 'amount_due', data #> '{invoice,amount_due}'
            )
            WHEN subject <> 'fulfillment' THEN jsonb_build_object(
                'id', data #> ARRAY[subject, 'id'], 'amount', data #> ARRAY[subject, 'amount'],
                'total', data #> ARRAY[subject, 'total'], 'reason', data #> ARRAY[subject, 'reason'],
                'failure_reason', data #> ARRAY[subject, 'failure_reason']
            )
            ELSE jsonb_build_object(
                'attempts', data #> '{fulfillment,attempts}', 'amount_paid', data #> '{fulfillment,amount_paid}',
                'failure_code', data #> '{fulfillment,failure,code}',
                'failure_decline_code', data #> '{fulfillment,failure,decline_code}'
            )
        END || jsonb_build_object('was', was, 'cause', cause)
    FROM changes WHERE invoice = $1 AND (subject <> 'invoice' OR was IS DISTINCT FROM became)
    UNION ALL
    SELECT at, 3, id, 'transition', CASE WHEN advances THEN 'resumed' ELSE 'paused' END,
        jsonb_build_object('next_payment_attempt', next_attempt, 'cause', cause)
    FROM (
        SELECT at, id, cause, was, became, data #> '{invoice,next_payment_attempt}' AS next_attempt,
            (data #>> '{invoice,auto_advance}')::boolean AS advances,
            lag((data #>> '{invoice,auto_advance}')::boolean) OVER (ORDER BY position, id) AS advanced
        FROM changes WHERE invoice = $1 AND subject = 'invoice'
    ) collecting
    WHERE was = 'open' AND became = 'open' AND advances <> advanced
    UNION ALL
    SELECT created_at, 4, 0, 'action', action, jsonb_build_object(
        'action', id, 'moment', moment, 'status', status, 'attempts', attempts, 'reason', reason,
        'next_attempt_at', next_attempt_at, 'finished_at', finished_at
    ) FROM fulfillment_actions WHERE invoice = $1
    UNION ALL
    SELECT created_at, 4, day, 'reminder', type, jsonb_build_object('day', day, 'channel', channel)
    FROM reminders WHERE invoice = $1
    UNION ALL
    SELECT created_at, 5, change, 'delivery', type, jsonb_build_object(
        'delivery', id, 'endpoint', endpoint, 'event', event, 'status', status, 'attempts', attempts,
        'last_status', log -> -1 -> 'status', 'last_error', log -> -1 -> 'error', 'delivered_at', delivered_at
    )
    FROM deliveries WHERE invoice = $1
)
SELECT jsonb_build_object('at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'kind', kind,
    'what', what, 'data', data) FROM entries ORDER BY at, rank, number
"""

_EVIDENCE_DUE = """
SELECT min(evidence_due_at) FROM disputes
WHERE invoice = $1 AND deleted_at IS NULL AND status IN ('warning_needs_response', 'needs_response', 'appeal_needs_response')
"""


async def evidence_due(connection: Connection, invoice_id: str) -> datetime | None:
    """When evidence about a dispute of the invoice is due; None where none waits for it."""
    found: datetime | None = await connection.fetchval(_EVIDENCE_DUE, invoice_id)
    return found


async def entries(connection: Connection, invoice_id: str) -> list[JsonObject]:
    """What happened to the invoice, oldest first by our clock."""
    return [msgspec.json.decode(row[0]) for row in await connection.fetch(_ENTRIES, invoice_id)]
