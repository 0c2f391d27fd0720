"""Refusing junk: what strangers cost who flood the webhook endpoint, and who try keys, against what valid ones cost."""

from bench import events
from bench.load import Kind, Plan
from bench.report import COST_COLUMNS, Section, at_least, cost_rows
from bench.rounds import Race, interleave, ratio
from bench.stage import BRIEF_S, Server, Stage

CONNECTIONS = 32
PER_S = 6000


async def run(stage: Stage) -> Section:
    """Junk beside valid deliveries, on one server."""
    name = await stage.create("junk")
    usual = await stage.service(name, STRIPE_WEBHOOK_SECRETS=events.SECRET)
    rolling = await stage.service(name)  # with a second secret, under which a forged delivery is looked at as well
    seconds = BRIEF_S if stage.quick else 1.5

    def race(kind: Kind, expect: str, server: Server = usual) -> Race:
        plan = Plan(0, kind, seconds, CONNECTIONS, 0.0, int(PER_S * seconds), paths=["/v1/invoices"])
        return Race(server, plan, stage.database, expect)

    samples = await interleave(
        {
            "valid": race("delivery", "200"),
            "unsigned": race("unsigned", "400"),
            "stale": race("stale", "400"),
            "forged": race("forged", "400"),
            "forged, while a secret is rolled": race("forged", "400", rolling),
            "API without a key": race("get", "401"),
        },
        1 if stage.quick else 5,
    )
    stage.stop_all()
    targets = [
        at_least(f"{name} per CPU-second, of valid ones", ratio(samples, "valid", name), 3)
        for name in ("unsigned", "stale", "forged")
    ]
    return Section(
        "junk",
        f"Junk, {CONNECTIONS} connections: bodies of 6 KB, refused before the database is asked",
        COST_COLUMNS,
        cost_rows(samples),
        targets,
        {"junk": samples},
    )
