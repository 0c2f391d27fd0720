"""The SQL statements about the policy of new fulfillments: which one is in force, and announcing it."""

import msgspec

from app.db.engine import Connection
from app.domain.policy import Policy

_CURRENT = "SELECT policy::text FROM fulfillment_policy"

_ANNOUNCE = """
INSERT INTO fulfillment_policy AS known (policy) VALUES ($1::jsonb)
ON CONFLICT (id) DO UPDATE SET policy = EXCLUDED.policy, since = now() WHERE known.policy <> EXCLUDED.policy
"""


async def current(connection: Connection) -> Policy:
    """The policy that the worker which started last announced; the default one before any did."""
    found = await connection.fetchval(_CURRENT)
    return Policy.read(msgspec.json.decode(found) if found else None)


async def announce(connection: Connection, policy: Policy) -> None:
    """Make new fulfillments with `policy` from now on. Existing ones keep theirs."""
    await connection.execute(_ANNOUNCE, msgspec.json.encode(policy.written()).decode())
