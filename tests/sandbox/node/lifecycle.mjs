// The whole life of an invoice with the unmodified npm client. Prints one line of JSON.
import Stripe from "stripe";

const [port, webhookBody, signature, secret] = process.argv.slice(2);
const stripe = new Stripe("sk_test_sandbox", {
  host: "127.0.0.1",
  port: Number(port),
  protocol: "http",
  telemetry: false,
});

const product = await stripe.products.create({ name: "Widget" });
const price = await stripe.prices.create({ product: product.id, unit_amount: 1500, currency: "usd" });
const customer = await stripe.customers.create({
  email: "ada@example.com",
  invoice_settings: { custom_fields: [{ name: "PO", value: "4711" }] },
});
const draft = await stripe.invoices.create({
  customer: customer.id,
  collection_method: "send_invoice",
  days_until_due: 30,
});
await stripe.invoiceItems.create({
  customer: customer.id,
  invoice: draft.id,
  pricing: { price: price.id },
  quantity: 2,
});
await stripe.invoices.addLines(draft.id, { lines: [{ amount: 500, description: "Delivery" }] });
const open = await stripe.invoices.finalizeInvoice(draft.id, { expand: ["confirmation_secret", "payments"] });
let declined;
try {
  await stripe.invoices.pay(draft.id, { payment_method: "pm_card_visa_chargeDeclined" });
} catch (error) {
  declined = { type: error.type, code: error.code, status: error.statusCode };
}
const paid = await stripe.invoices.pay(draft.id, { payment_method: "pm_card_visa" });
let unknown;
try {
  await stripe.invoices.retrieve("in_none");
} catch (error) {
  unknown = { type: error.type, param: error.param };
}
const types = [];
for await (const event of stripe.events.list({ limit: 5 })) types.push(event.type);
const event = stripe.webhooks.constructEvent(Buffer.from(webhookBody, "base64"), signature, secret);

console.log(
  JSON.stringify({
    draft: draft.status,
    fields: draft.custom_fields,
    open: open.status,
    total: open.total,
    secret: open.confirmation_secret.client_secret.startsWith(open.payments.data[0].payment.payment_intent),
    declined,
    paid: paid.status,
    unknown,
    last: types[0],
    event: event.type,
    version: paid.lastResponse.apiVersion ?? null,
  }),
);
