"""What it costs to be seen: the same service without metrics, with them, with them shared by processes, with traces."""

from bench import rows
from bench.load import Plan
from bench.report import COST_COLUMNS, Section, at_most, cost_rows
from bench.rounds import Race, Samples, interleave, ratio
from bench.stage import API_KEY, BRIEF_S, Server, Stage

INVOICES = 10_000
CONNECTIONS = 32
PER_S = 6000

NEITHER, COUNTED, SHARED = "no metrics", "metrics (as ever)", "metrics in files, as with WORKERS > 1"
SILENT, SAMPLED, TRACED = "metrics, no log lines", "metrics, a trace of 1 in 100", "metrics, every trace"


async def run(stage: Stage) -> Section:
    """The intake and a read, each contestant as the others but for one thing."""
    name = await stage.create("observability")
    async with stage.connect(name) as connection:
        await rows.invoices(connection, 1000 if stage.quick else INVOICES)
    servers = await _servers(stage, name)
    seconds, rounds = (BRIEF_S, 1) if stage.quick else (1.2, 5)
    loads = {
        "intake": Plan(0, "delivery", seconds, CONNECTIONS, at_most=int(PER_S * seconds)),
        "read": Plan(
            0,
            "get",
            seconds,
            16,
            at_most=int(PER_S * seconds),
            paths=[f"/v1/invoices/{rows.invoice_id(7)}"],
            key=API_KEY,
        ),
    }
    found: Samples = {}
    for title, plan in loads.items():
        contest = {f"{title}: {one}": Race(server, plan, stage.database) for one, server in servers.items()}
        found |= await interleave(contest, rounds)
    stage.stop_all()
    targets = []
    for title in loads:
        base = f"{title}: {NEITHER}"
        for one, limit in ((COUNTED, 1.05), (SHARED, 1.1), (SAMPLED, 1.25)):
            what = f"{title}, CPU with {one}, of {NEITHER}"
            targets.append(at_most(what, ratio(found, f"{title}: {one}", base), limit))
    notes = [
        f"{title}: every trace costs {ratio(found, f'{title}: {TRACED}', f'{title}: {NEITHER}'):.2f} ×, the lines of "
        f"the log {ratio(found, f'{title}: {COUNTED}', f'{title}: {SILENT}'):.2f} ×"
        for title in loads
    ]
    heading = "Being seen: CPU of the service and PostgreSQL, against the same service that counts nothing"
    return Section("observability", heading, COST_COLUMNS, cost_rows(found), targets, {"rounds": found}, notes)


async def _servers(stage: Stage, database: str) -> dict[str, Server]:
    collector = await stage.collector()
    shared = stage.folder / "shared-metrics"
    shared.mkdir()
    traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "NO_PROXY": "*"}
    sampled = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
    return {
        NEITHER: await stage.service(database, module="bench.baselines.uncounted"),
        COUNTED: await stage.service(database),
        SHARED: await stage.service(database, PROMETHEUS_MULTIPROC_DIR=str(shared)),
        SILENT: await stage.service(database, LOG_LEVEL="warning"),
        SAMPLED: await stage.service(database, **traces, **sampled),
        TRACED: await stage.service(database, **traces),
    }
