"""The SQL of the baselines: the least that stores an event, and the plainest that answers an invoice."""

SCHEMA = """
CREATE SCHEMA bare;
CREATE TABLE bare.events (
    id text PRIMARY KEY, type text NOT NULL, object_id text, created_at timestamptz NOT NULL, payload text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(), status text NOT NULL DEFAULT 'received'
);
CREATE INDEX ON bare.events (received_at) WHERE status = 'received';
CREATE TABLE bare.invoices (
    id text PRIMARY KEY, status text NOT NULL, customer text, amount_due bigint NOT NULL, amount_paid bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
"""

RECORD = """
INSERT INTO bare.events (id, type, object_id, created_at, payload) VALUES ($1, $2, $3, to_timestamp($4), $5)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""

MIRROR = """
WITH recorded AS (
    INSERT INTO bare.events (id, type, object_id, created_at, payload)
    VALUES ($1::text, $2::text, $3::text, to_timestamp($4), $5::text)
    ON CONFLICT (id) DO NOTHING
    RETURNING object_id, created_at
)
INSERT INTO bare.invoices AS invoice (id, status, customer, amount_due, amount_paid, updated_at)
SELECT object_id, $6::text, $7::text, $8::bigint, $9::bigint, created_at FROM recorded
ON CONFLICT (id) DO UPDATE
SET status = EXCLUDED.status, amount_paid = EXCLUDED.amount_paid, updated_at = EXCLUDED.updated_at
WHERE invoice.updated_at <= EXCLUDED.updated_at
"""

_SHOWN = """
    id, number, status, customer, reference, collection_method, auto_advance, currency, subtotal, total, amount_due,
    amount_paid, amount_remaining, due_at, description, footer, custom_fields, metadata, payment_intent,
    hosted_invoice_url, invoice_pdf, livemode, created_at, finalized_at, paid_at, voided_at, marked_uncollectible_at,
    updated_at, (SELECT row_to_json(f) FROM (SELECT status, fulfilled_at FROM fulfillments WHERE invoice = row.id) f)
    AS fulfillment
"""
ONE = f"""
SELECT row_to_json(d)::text FROM (
    SELECT {_SHOWN}, (
        SELECT coalesce(json_agg(i), '[]') FROM (
            SELECT id, line_item, price, product, quantity, unit_amount_decimal, amount, currency, description, metadata
            FROM invoice_items WHERE invoice = row.id ORDER BY position
        ) i
    ) AS items
    FROM invoices row WHERE id = $1
) d
"""  # noqa: S608 -- only constants of this module
LIST = f"""
SELECT json_build_object('data', json_agg(d))::text FROM (
    SELECT {_SHOWN} FROM invoices row ORDER BY created_at DESC, id DESC LIMIT 20
) d
"""  # noqa: S608 -- only constants of this module
