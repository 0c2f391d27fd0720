"""The offline Stripe: a separate ASGI program that speaks Stripe's invoicing API on the wire.

cli, settings, asgi     how it is started, configured and put together
accounts                the accounts of one process
commands/               trigger, listen, oracle: they use HTTP alone
pytest_plugin           the fixture `stripe_sandbox`
api                     one request from its bytes to its answer
wire/                   HTTP, forms, parameters, errors, keys, idempotency: no Stripe rules
resources/              the routes, a module per resource
billing/                the rules: drafts, totals, finalizing, collecting, closing, the clock's work
shapes/                 every key of every object
presentation, expansion what an answer shows; publishable: what a browser gets; origins: who may call from one
store/                  one SQLite file: documents, events, transactions, the clock
webhooks/               signed deliveries with retries
control/                `/_sandbox/…`: faults, journal, clock
pages/                  what a customer's browser sees
"""

__version__ = "0.1.0"
