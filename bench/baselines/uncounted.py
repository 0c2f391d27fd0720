"""`python -m bench.baselines.uncounted serve`: the service as it is, but nothing is counted.

What counts is replaced before the service is imported; everything around it stays.
"""

from typing import Self

import prometheus_client


class Nothing:
    """A metric that does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def labels(self, *_: object) -> Self:
        """Itself: there are no others."""
        return self

    def inc(self, amount: float = 1) -> None:
        """Do nothing."""

    dec = set = observe = inc

    def set_to_current_time(self) -> None:
        """Do nothing."""


def main() -> None:
    """Run the service's command line."""
    for name in ("Counter", "Gauge", "Histogram"):
        setattr(prometheus_client, name, Nothing)
    from app.cli.main import cli  # noqa: PLC0415 -- after what it imports was replaced

    cli()


if __name__ == "__main__":
    main()
