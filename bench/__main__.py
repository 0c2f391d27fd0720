"""`python -m bench [--quick] [--output FILE] [SCENARIO …]`: run the scenarios, print their tables, keep the results."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import msgspec

from bench import machine, report
from bench.peers.install import installed
from bench.report import Document, Section
from bench.stage import PROJECT, Stage

SCENARIOS = (
    "intake", "junk", "reads", "writes", "idempotency", "worker", "feed", "push", "start", "processes", "observability", "growth",
    "inbox",
)  # fmt: skip
LONG = ("soak", "storage")
OTHERS = ("peers",)
BROWSER = ("paying",)
RESULTS = PROJECT / "bench" / "results"


async def measure(stage: Stage, names: list[str]) -> list[Section]:
    """The sections of the scenarios named."""
    sections = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        section: Section = await import_module(f"bench.scenarios.{name}").run(stage)
        print(report.markdown([section]), report.targets([section]), sep="\n", flush=True)
        sections.append(section)
    return sections


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "scenarios",
        nargs="*",
        metavar="SCENARIO",
        help=f"of {', '.join(SCENARIOS + LONG + OTHERS + BROWSER)}; all but the last four, and peers where they are installed",
    )
    parser.add_argument("--quick", action="store_true", help="one short round each: whether it runs, not how fast")
    parser.add_argument(
        "--powers",
        type=int,
        default=6,
        help="growth and inbox: up to ten to this power of rows (7: growth half an hour and 30 GB, inbox 15 minutes and 9 GB)",
    )
    parser.add_argument("--soak", type=int, default=100_000, help="soak: how many events")
    parser.add_argument("--output", type=Path, help="the result file; bench/results/<time>.json otherwise")
    asked = parser.parse_args()
    unknown = set(asked.scenarios) - {*SCENARIOS, *LONG, *OTHERS, *BROWSER}
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    usual = [*SCENARIOS, *(OTHERS if installed() and not asked.quick else ())]
    found = machine.facts()
    with Stage.set_up(quick=asked.quick, powers=asked.powers, soak=asked.soak) as stage:
        sections = asyncio.run(measure(stage, asked.scenarios or usual))
    name = "quick" if asked.quick else f"{datetime.now(UTC):%Y-%m-%d_%H%M}"
    output = asked.output or RESULTS / f"{name}.json"
    output.parent.mkdir(exist_ok=True)
    document = Document(found, asked.quick, sections)
    output.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    print(f"The results are in {output}.", file=sys.stderr)


if __name__ == "__main__":
    main()
