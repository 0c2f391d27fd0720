// @supabase/stripe-sync-engine behind Fastify, as the server in its own repository has it: the raw body, one handler,
// a log that says nothing of single requests. Settings are the cheapest there are: nothing is asked of Stripe.
import { createRequire } from 'node:module'

const require = createRequire(process.env.BENCH_PACKAGES)
const { default: fastify } = require('fastify')
const { StripeSync, runMigrations } = require('@supabase/stripe-sync-engine')

await runMigrations({ databaseUrl: process.env.DATABASE_URL, schema: 'stripe', logger: console })
const engine = new StripeSync({
  poolConfig: { connectionString: process.env.DATABASE_URL, max: 10 },
  schema: 'stripe',
  stripeSecretKey: process.env.STRIPE_SECRET_KEY,
  stripeWebhookSecret: process.env.BENCH_WEBHOOK_SECRET,
  autoExpandLists: false,
  backfillRelatedEntities: false,
})

const app = fastify({ disableRequestLogging: true })
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, { raw: body }))
app.get('/healthz', async () => ({}))
app.post('/webhooks/stripe', async (request, reply) => {
  try {
    await engine.processWebhook(request.body.raw, request.headers['stripe-signature'])
  } catch (error) {
    console.error(error)
    return reply.code(400).send(`Webhook Error: ${error.message}`)
  }
  return reply.send({ received: true })
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
