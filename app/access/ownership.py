"""Owns the statements about what belongs to which customer, for callers who may see only their own."""

from typing import cast

from app.db.engine import Connection


async def owns_invoice(connection: Connection, customer: str, invoice_id: str) -> bool:
    """Whether the invoice is there and is the customer's."""
    return cast(
        "bool",
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM invoices WHERE id = $1 AND customer = $2 AND deleted_at IS NULL)",
            invoice_id,
            customer,
        ),
    )


async def is_invoice(connection: Connection, invoice_id: str) -> bool:
    """Whether the invoice is there, or was: a deleted draft is still known."""
    return cast("bool", await connection.fetchval("SELECT EXISTS (SELECT FROM invoices WHERE id = $1)", invoice_id))


async def customer_of_reference(connection: Connection, reference: str) -> str | None:
    """The id of the customer that has `reference`."""
    return cast(
        "str | None",
        await connection.fetchval(
            "SELECT id FROM customers WHERE reference = $1 AND deleted_at IS NULL ORDER BY created_at LIMIT 1",
            reference,
        ),
    )
