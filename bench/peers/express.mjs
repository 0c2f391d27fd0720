// @stripe/sync-engine behind Express, as its own command line has it. Settings are the cheapest there are: nothing is
// asked of Stripe, since the account is named.
//
// Its migrations want two things that are not here. The extension btree_gist, for a constraint that keeps two backfills from
// running at once: a btree serves it as well, and no delivery comes near. And Stripe's OpenAPI document, from which it makes
// its tables, would be fetched from the internet: instead it is given one of the invoice alone, with the fields of the event.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(process.env.BENCH_PACKAGES)
const express = require('express')
const { StripeSync, embeddedMigrations, runMigrationsFromContent } = require('@stripe/sync-engine')

const quiet = { info() {}, warn: console.warn, error: console.error }
const databaseUrl = process.env.DATABASE_URL

function schemaOf(value) {
  if (Array.isArray(value)) return { type: 'array' }
  if (value === null) return { type: 'string', nullable: true }
  return { type: { boolean: 'boolean', number: 'integer', object: 'object' }[typeof value] ?? 'string' }
}

const event = JSON.parse(readFileSync(process.env.BENCH_EVENT, 'utf8').replaceAll(/@T@/g, '0'))
const properties = Object.fromEntries(Object.entries(event.data.object).map(([name, value]) => [name, schemaOf(value)]))
const invoice = { 'x-resourceId': 'invoice', type: 'object', properties }
const openApiSpecPath = `${process.env.DATA_DIR}/stripe-openapi.json`
writeFileSync(openApiSpecPath, JSON.stringify({ openapi: '3.0.0', info: {}, components: { schemas: { invoice } } }))

const migrations = embeddedMigrations.map(({ name, sql }) => ({
  name,
  sql: sql.replace('CREATE EXTENSION IF NOT EXISTS btree_gist;', '').replace('EXCLUDE (', 'EXCLUDE USING btree ('),
}))
await runMigrationsFromContent({ databaseUrl, schemaName: 'stripe', logger: quiet, openApiSpecPath }, migrations)
const engine = await StripeSync.create({
  poolConfig: { connectionString: databaseUrl, max: 10 },
  stripeSecretKey: process.env.STRIPE_SECRET_KEY,
  stripeWebhookSecret: process.env.BENCH_WEBHOOK_SECRET,
  stripeAccountId: 'acct_bench',
  autoExpandLists: false,
  backfillRelatedEntities: false,
  logger: quiet,
})

const app = express()
app.use('/webhooks/stripe', express.raw({ type: 'application/json' }))
app.get('/healthz', (_, response) => response.status(200).json({}))
app.post('/webhooks/stripe', async (request, response) => {
  try {
    await engine.webhook.processWebhook(request.body, request.headers['stripe-signature'])
    return response.status(200).send({ received: true })
  } catch (error) {
    console.error('[Webhook] Processing error:', error.message)
    return response.status(400).send({ error: error.message })
  }
})
app.listen(Number(process.env.PORT), '127.0.0.1')
