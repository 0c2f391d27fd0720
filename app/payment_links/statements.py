"""The SQL statements about payment links: add, revoke, and take the turn to ask Stripe."""

from datetime import datetime

from app.db.engine import Connection
from app.domain.payment_link import PaymentLink


async def add(connection: Connection, link: PaymentLink) -> None:
    """Record `link`. A link that is recorded already stays as it is."""
    await connection.execute(
        "INSERT INTO payment_links (id, invoice, expires_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        link.id,
        link.invoice,
        link.expires_at,
    )


async def revoke(connection: Connection, link_id: str, invoice_id: str) -> bool:
    """Revoke the link for good. Returns whether the invoice has such a link."""
    found: bool | None = await connection.fetchval(
        """
        UPDATE payment_links SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND invoice = $2
        RETURNING true
        """,
        link_id,
        invoice_id,
    )
    return bool(found)


async def revoked_at(connection: Connection, link: PaymentLink) -> tuple[bool, datetime | None]:
    """Whether `link` is recorded, and when it was revoked."""
    row = await connection.fetchrow(
        "SELECT revoked_at FROM payment_links WHERE id = $1 AND invoice = $2", link.id, link.invoice
    )
    return (False, None) if row is None else (True, row["revoked_at"])


async def take_turn(connection: Connection, link_id: str, pause_s: float) -> bool:
    """Take the link's turn to ask Stripe. True for one caller every `pause_s` seconds, across all processes."""
    taken: bool | None = await connection.fetchval(
        """
        UPDATE payment_links SET asked_at = now()
        WHERE id = $1 AND (asked_at IS NULL OR asked_at < now() - make_interval(secs => $2))
        RETURNING true
        """,
        link_id,
        pause_s,
    )
    return bool(taken)
