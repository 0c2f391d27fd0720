"""The invoicing service: a Stripe invoice from draft to fulfilled, exactly once.

main.py            create_app(): routers, lifespan, error answers
cli.py             `invoicing …`: serve, worker, migrate, demo, openapi, and the groups in commands/
settings.py        the only reader of the environment
wiring.py          builds database, gateway and services once
domain/            pure rules, no I/O
api/               HTTP in: routers, schemas, error table
console/           the operators' pages, a process of its own
doctor/            what `invoicing doctor` looks at
services/          use cases; they own transactions
stripe_gateway/    the only speaker to Stripe
webhooks/          signature, intake, which event does what, what never arrived
worker/            processes the inbox, keeps house
db/                the only place with SQL
observability/     logs, metrics, traces
"""
