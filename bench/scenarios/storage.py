"""What is written for an event: bytes of WAL when it is taken in and when it is processed, bytes that stay."""

from bench import events, rows
from bench.load import Plan
from bench.report import Section
from bench.rounds import Race
from bench.scenarios.worker import drain, paid
from bench.stage import Stage

_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"
_STORED = """
SELECT coalesce(parent.relname, child.relname) AS name, sum(pg_total_relation_size(child.oid))::float8 AS bytes
FROM pg_class child JOIN pg_namespace space ON space.oid = child.relnamespace
LEFT JOIN pg_inherits ON inhrelid = child.oid LEFT JOIN pg_class parent ON parent.oid = inhparent
WHERE child.relkind = 'r' AND space.nspname = 'public' GROUP BY 1
"""


async def run(stage: Stage) -> Section:
    """Bytes per event; every event pays an invoice and fulfils it. Pages that a checkpoint has written whole count."""
    name = await stage.create("storage")
    count = 200 if stage.quick else 5000
    async with stage.connect(name) as connection:
        await rows.customers(connection)
    server = await stage.service(name)
    worker = await stage.worker(name, STRIPE_API_BASE="http://127.0.0.1:9")
    await drain(stage, name, [worker], paid(count))  # every page there will be has been touched
    async with stage.connect(name) as connection:

        async def stored() -> dict[str, float]:
            return {row["name"]: row["bytes"] for row in await connection.fetch(_STORED)}

        before = await stored()
        start = await connection.fetchval(_WAL)
        await drain(stage, name, [worker], paid(count))
        drained = (await connection.fetchval(_WAL) - start) / count
        grown = {table: (size - before.get(table, 0)) / count for table, size in (await stored()).items()}
        stage.stop(worker)
        start = await connection.fetchval(_WAL)
        sample = await Race(server, Plan(0, "delivery", 30.0, 32, at_most=count), stage.database)()
        taken = (await connection.fetchval(_WAL) - start) / sample.requests
    stage.stop(server)
    both = drained - taken  # what drained put in by itself is what intake writes
    listed: list[tuple[str, list[float | str]]] = [
        ("the body, as Stripe sends it", [float(len(events.payload(1)))]),
        ("WAL to take it in, alone in its commit or with others", [taken]),
        ("WAL to process it: lease, invoice, items, payment, fulfillment, changes, mark", [both]),
    ]
    listed += [(f"stays in {table}, indexes included", [size]) for table, size in sorted(grown.items()) if size >= 1]
    return Section(
        "storage", "Storage: bytes per event that fulfils an invoice", ["bytes"], listed, [], {"grown": grown}
    )
