"""Reading one invoice and a page of 20, against the plainest ways to do it."""

from bench import rows
from bench.load import Plan
from bench.report import COST_COLUMNS, Section, at_least, cost_rows
from bench.rounds import Race, Samples, interleave, ratio
from bench.stage import API_KEY, BRIEF_S, Stage

INVOICES = 100_000
PER_S = 6000


async def run(stage: Stage) -> Section:
    """Reads against their baselines."""
    name = await stage.create("reads")
    count = 1000 if stage.quick else INVOICES
    async with stage.connect(name) as connection:
        await rows.invoices(connection, count)
    servers = {
        "bare ASGI + asyncpg": await stage.baseline("bare", name),
        "FastAPI + asyncpg, JSON from PostgreSQL": await stage.baseline("framework", name),
        "FastAPI + ORM + pydantic": await stage.baseline("orm", name),
        "ours": await stage.service(name),
    }
    seconds, rounds = (BRIEF_S, 1) if stage.quick else (1.5, 5)
    ones = [f"/v1/invoices/{rows.invoice_id(number * 7919 % count)}" for number in range(500)]
    found: Samples = {}
    for title, paths in (("one", ones), ("list of 20", ["/v1/invoices?limit=20"])):
        plan = Plan(0, "get", seconds, 16, at_most=int(PER_S * seconds), paths=paths, key=API_KEY)
        contest = {f"{title}: {name}": Race(server, plan, stage.database) for name, server in servers.items()}
        found |= await interleave(contest, rounds)
    async with stage.connect(name) as connection:
        await connection.execute("UPDATE invoices SET document_version = 0", timeout=600)
        await connection.execute("VACUUM (FULL, ANALYZE) invoices", timeout=600)
    plan = Plan(0, "get", seconds, 16, at_most=int(PER_S * seconds), paths=ones, key=API_KEY)
    found |= await interleave({"one without its document: ours": Race(servers["ours"], plan, stage.database)}, rounds)
    stage.stop_all()
    targets = []
    for title, aim in (("one", 0.9), ("list of 20", 0.85)):
        ours, framework = f"{title}: ours", f"{title}: FastAPI + asyncpg, JSON from PostgreSQL"
        orm = f"{title}: FastAPI + ORM + pydantic"
        targets += [
            at_least(f"{title}: req/s, of FastAPI + asyncpg's", ratio(found, ours, framework, "per_s"), aim),
            at_least(f"{title}: per CPU-second, of FastAPI + asyncpg's", ratio(found, framework, ours), aim),
            at_least(f"{title}: per CPU-second, of ORM + pydantic's", ratio(found, orm, ours), 4),
        ]
    return Section(
        "reads", f"Reads among {count:,} invoices", COST_COLUMNS, cost_rows(found), targets, {"rounds": found}
    )
