// npm install stripe; offline-stripe serve --account-per-key; node invoice.mjs
// The unmodified client of Stripe's. The key is made up: with --account-per-key it has an account of its own.
import Stripe from "stripe";

const url = new URL(process.env.OFFLINE_STRIPE_URL ?? "http://127.0.0.1:8001");
const key = process.env.STRIPE_KEY ?? `sk_test_${crypto.randomUUID().replaceAll("-", "")}`;
const stripe = new Stripe(key, { host: url.hostname, port: Number(url.port), protocol: "http", telemetry: false });

const customer = await stripe.customers.create({ name: "Ada", email: "ada@example.com" });
const draft = await stripe.invoices.create({
  customer: customer.id,
  collection_method: "send_invoice",
  days_until_due: 30,
});
await stripe.invoices.addLines(draft.id, { lines: [{ amount: 2500, description: "Consulting" }] });
await stripe.invoices.finalizeInvoice(draft.id);
try {
  await stripe.invoices.pay(draft.id, { payment_method: "pm_card_visa_chargeDeclined" });
} catch (error) {
  console.log(`declined: ${error.code}`);
}
const paid = await stripe.invoices.pay(draft.id, { payment_method: "pm_card_visa" });
console.log(`${paid.status}: ${paid.amount_paid}`);

const customers = await stripe.customers.list();
const events = await stripe.events.list({ limit: 100 });
console.log(`customers of this account: ${customers.data.length}`);
console.log(`told: ${events.data.some((event) => event.type === "invoice.payment_failed")}`);
