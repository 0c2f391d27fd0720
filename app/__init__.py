"""The invoicing service: it takes a Stripe invoice from draft to fulfilled, exactly once.

main.py create_app(): routes, lifespan, middleware, error answers settings.py the only reader of the environment
container.py builds database, gateway and services once per process clients.py builds the clients of PostgreSQL, Stripe,
mail server and identity provider catalog/ products and prices customers/ customers and the erasure of their personal
data invoices/ invoices, their items and their timeline payments/ attempts to pay, and what Stripe says about them
payment_links/ signed links and the pages behind them fulfillment/ fulfillments and their actions: mail and hooks hooks/
the team's own fulfillment functions http/ middleware, authentication, problem+json, pagination, OpenAPI access/ API
keys, tokens, rate limits, audit log idempotency/ operations, their steps, the completer stripe/ the only importer of
Stripe's SDK inbox/ Stripe's webhook: signature, store, handlers, processor projection/ writes Stripe's objects into
rows, in order events/ the feed of events: list, long poll, SSE outgoing/ webhooks to other services jobs/ the job loop,
notifications, periodic tasks observability/ logs, metrics, traces admin/ the operators' console, in a process of its
own cli/ the `invoicing` command db/ tables, statements, connections, partitions domain/ pure rules, no I/O
"""
