"""`python -m bench [--quick] [--output FILE] [SCENARIO …]`: run the scenarios, print their tables, keep the results."""

import argparse
import asyncio
import sys
import time
import traceback
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from bench import machine, report
from bench.peers.install import installed
from bench.report import Document, Section
from bench.stage import PROJECT, Stage

SCENARIOS = (
    "intake", "junk", "reads", "writes", "idempotency", "worker", "feed", "push", "start", "processes", "observability", "growth",
    "inbox", "returns",
)  # fmt: skip
BY_NAME = ("soak", "backlog", "export", "storage", "paying", "peers")
"""Long ones, one that needs a browser, and one that installs other programs; the last is usual where they are installed."""
RESULTS = PROJECT / "bench" / "results"


async def measure(stage: Stage, names: list[str], document: Document, output: Path) -> list[str]:
    """Have the sections of the scenarios named in the result file, each once it is there; which of them failed."""
    failed = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        started = time.monotonic()
        try:
            section: Section = await import_module(f"bench.scenarios.{name}").run(stage)
        except Exception:  # noqa: BLE001 -- what the others find is not lost with it
            traceback.print_exc()
            failed.append(name)
            stage.stop_all()
            continue
        print(report.markdown([section]), report.targets([section]), sep="\n", flush=True)
        document.sections.append(section)
        print(f"{name} took {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)
        report.write(document, output)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "scenarios",
        nargs="*",
        metavar="SCENARIO",
        help=f"of {', '.join(SCENARIOS + BY_NAME)}; all but the last six, and peers where they are installed",
    )
    parser.add_argument("--quick", action="store_true", help="one short round each: whether it runs, not how fast")
    parser.add_argument(
        "--powers",
        type=int,
        default=6,
        help="growth, inbox and export: up to ten to this power of rows (7: growth 25 minutes and 35 GB, inbox 15 minutes and 9 GB)",
    )
    parser.add_argument("--soak", type=int, default=100_000, help="soak, backlog: how many events")
    parser.add_argument("--output", type=Path, help="the result file; bench/results/<time>.json otherwise")
    asked = parser.parse_args()
    unknown = set(asked.scenarios) - {*SCENARIOS, *BY_NAME}
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    usual = [*SCENARIOS, *(["peers"] if installed() and not asked.quick else [])]
    name = "quick" if asked.quick else f"{datetime.now(UTC):%Y-%m-%d_%H%M}"
    output = asked.output or RESULTS / f"{name}.json"
    output.parent.mkdir(exist_ok=True)
    document = Document(machine.facts(), asked.quick, [])
    with Stage.set_up(quick=asked.quick, powers=asked.powers, soak=asked.soak) as stage:
        failed = asyncio.run(measure(stage, asked.scenarios or usual, document, output))
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}; what the others found is in {output}.")
    print(f"The results are in {output}.", file=sys.stderr)


if __name__ == "__main__":
    main()
