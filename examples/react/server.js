// What a merchant's server does: it makes intents, with the secret key that never reaches the page, and says what an
// order costs. A real one uses one of Stripe's libraries.

const API = process.env.STRIPE_API_URL ?? "http://127.0.0.1:8001";
const KEY = process.env.STRIPE_SECRET_KEY ?? "sk_test_sandbox";
/** What a server needs that confirms and has no page to come back to. */
const NO_REDIRECTS = { "automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never" };
const ORDER = { amount: "2890", currency: "usd" };

/** @param {string} path @param {Record<string, string>} params */
async function stripe(path, params) {
  const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/x-www-form-urlencoded" };
  const answer = await fetch(`${API}/v1/${path}`, { method: "POST", headers, body: new URLSearchParams(params) });
  return { status: answer.status, found: await answer.json() };
}

const INVOICING = process.env.INVOICING_URL ?? "http://127.0.0.1:8000";
const INVOICING_KEY = process.env.INVOICING_API_KEY ?? "";
/** The invoices of the orders that were made here. A real shop knows whose they are. */
const orders = new Set();

/** @param {string} path @param {object} [body] @param {AbortSignal} [signal] */
async function invoicing(path, body, signal) {
  const headers = { Authorization: `Bearer ${INVOICING_KEY}`, "Content-Type": "application/json" };
  const asked = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers, signal };
  return fetch(`${INVOICING}${path}`, asked);
}

async function order() {
  const customer = await (await invoicing("/v1/customers", { name: "Jenny Rosen", email: "jenny.rosen@example.com" })).json();
  const items = [{ amount: Number(ORDER.amount), currency: ORDER.currency, description: "Order 1042" }];
  const answer = await invoicing("/v1/invoices", { customer: customer.id, items, finalize: true });
  const found = await answer.json();
  orders.add(found.id);
  return { status: answer.status, found: answer.ok ? found : { error: { message: found.detail } } };
}

/** Forward what the page reads of an invoice that was ordered here. @type {import("vite").Connect.NextHandleFunction} */
async function forward(request, response) {
  const path = (request.url ?? "").slice("/invoicing".length);
  const id = /^\/v1\/invoices\/(\w+)(\/client-secret|\/events)?(\?|$)/.exec(path)?.[1];
  if (request.method !== "GET" || !id || !orders.has(id)) return void response.writeHead(404).end();
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const answer = await invoicing(path, undefined, gone.signal);
  response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") ?? "application/json" });
  response.flushHeaders();
  try {
    for await (const part of answer.body ?? []) response.write(part);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    response.end();
  }
}

/** What the page may ask for. @type {Record<string, (asked: any) => Promise<{ status: number, found: any }>>} */
const CALLS = {
  "/api/order": order,
  "/api/payment-intent": ({ currency = ORDER.currency }) => stripe("payment_intents", { ...ORDER, currency }),
  "/api/setup-intent": async () => {
    const { found } = await stripe("customers", { name: "Jenny Rosen" });
    return stripe("setup_intents", { customer: found.id });
  },
  // The page made the payment method, the server confirms; the person may have to authenticate.
  "/api/pay": ({ payment_method }) => stripe("payment_intents", { ...ORDER, payment_method, confirm: "true", use_stripe_sdk: "true", ...NO_REDIRECTS }),
};

/** A service that is away is a failure of this request, not of the server. @type {import("vite").Connect.NextHandleFunction} */
export const shop = (request, response, next) => void answer(request, response, next).catch(next);

/** @type {import("vite").Connect.NextHandleFunction} */
async function answer(request, response, next) {
  if (request.url?.startsWith("/invoicing/")) return forward(request, response, next);
  const call = request.method === "POST" ? CALLS[request.url ?? ""] : undefined;
  if (!call) return next();
  let body = "";
  for await (const part of request) body += part;
  const { status, found } = await call(JSON.parse(body || "{}"));
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json");
  const { id, client_secret, status: state, error } = found;
  response.end(JSON.stringify(error ? { error: error.message } : { id, client_secret, status: state }));
}
