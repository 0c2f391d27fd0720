"""The SQL of the baselines: the least that stores an event, and the plainest that answers an invoice."""

from sqlalchemy import select

from app.db.documents import one_statement
from app.db.resources import INVOICE
from app.db.statement import Statement

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

_listed = select(*INVOICE.shown).order_by(INVOICE.table.c.created_at.desc(), INVOICE.table.c.id.desc()).limit(20)
ONE = one_statement(INVOICE, "id").text
"""What the service answers, made of the columns: the same fields, or the comparison would be of their number."""
LIST = f"SELECT json_build_object('data', json_agg(d))::text FROM ({Statement(_listed).text}) d"  # noqa: S608 -- only constants
