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

/** What the page may ask for. @type {Record<string, (asked: any) => Promise<{ status: number, found: any }>>} */
const CALLS = {
  "/api/payment-intent": ({ currency = ORDER.currency }) => stripe("payment_intents", { ...ORDER, currency }),
  "/api/setup-intent": async () => {
    const { found } = await stripe("customers", { name: "Jenny Rosen" });
    return stripe("setup_intents", { customer: found.id });
  },
  // The page made the payment method, the server confirms; the person may have to authenticate.
  "/api/pay": ({ payment_method }) => stripe("payment_intents", { ...ORDER, payment_method, confirm: "true", use_stripe_sdk: "true", ...NO_REDIRECTS }),
};

/** @type {import("vite").Connect.NextHandleFunction} */
export async function shop(request, response, next) {
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
