"""The jobs of a worker process: the queues, and the tasks that one of all workers does from time to time."""

from datetime import timedelta
from functools import partial
from typing import Protocol

from app import retention
from app.container import Container
from app.invoices import next_steps
from app.jobs.housekeeper import Housekeeper, Task
from app.projection import erasure

SETTLED = timedelta(seconds=60)
"""The periodic comparisons skip changes that are younger than this: their deliveries may still arrive."""
HOURLY_S = 3600.0
"""Seconds between two sweeps of erased customers' late data and documents, two re-encryptions of secrets, and two
searches for events that an older release ignored because it did not know their type."""
EVERY_S = 60.0
"""Seconds between two looks for payers to remind and missing next steps, and two runs that make missing documents."""
BALANCE_EVERY_S = 6 * 3600.0
"""Seconds between two comparisons of the last days' money with Stripe's balance."""


class Job(Protocol):
    """A background job that a worker process runs until it is stopped."""

    async def run(self) -> None:
        """Run until stopped."""

    def stop(self) -> None:
        """Make `run` return once the work under way is finished."""


def jobs(container: Container) -> list[Job]:
    """All jobs of a worker process. Raises Misconfigured if one of them cannot do its work."""
    settings, database, documents = container.settings, container.database, container.documents()
    reconcile, repair = container.reconciler(SETTLED).reconcile, container.repairing(SETTLED).repair
    tasks = [
        retention.purge_operations(database),
        retention.keep_partitions(database, settings.inbox_retention),
        retention.purge_deliveries(database, timedelta(days=settings.delivery_retention_days)),
        retention.rebase_feed(database),
        retention.forget_reminders(database),
        Task("sweep_erased", HOURLY_S, partial(erasure.sweep, database)),
        Task("remind", EVERY_S, container.reminders().look),
        Task("next_steps", EVERY_S, partial(next_steps.find_missing, database)),
        Task("scrub_documents", HOURLY_S, documents.scrub),
        Task("balance", BALANCE_EVERY_S, partial(container.balance.check_lately, SETTLED)),
        Task("documents", EVERY_S, partial(documents.rebuild, EVERY_S / 2)),
        Task("reseal", HOURLY_S, container.endpoints.reseal),
        Task("reconcile", settings.reconcile_every_s, reconcile),
        Task("queue_ignored", HOURLY_S, container.queue_ignored),
        Task("repair", settings.repair_every_s, repair),
    ]
    if settings.feed_retention:
        tasks.append(retention.forget_feed(database, settings.feed_retention))
    housekeeper = Housekeeper(database, tasks)
    return [container.worker(), container.deliverer(), container.completer(), container.performer(), housekeeper]
