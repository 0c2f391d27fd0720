// The calls that the pages make: to the service they came from, and for Stripe's script.

/** @typedef {import("@stripe/stripe-js").StripeConstructor} StripeConstructor */
/** @typedef {import("@stripe/stripe-js").Appearance} Appearance */
/**
 * @typedef {object} Session
 * @property {string} client_secret
 * @property {string} payment_intent
 * @property {string} publishable_key
 * @property {import("@stripe/stripe-js").Appearance} appearance
 */
/**
 * @typedef {object} Status
 * @property {"draft" | "open" | "paid" | "void" | "uncollectible"} status
 * @property {string | null} payment_intent
 * @property {number} amount_remaining
 * @property {string} currency
 * @property {string[]} paid the PaymentIntents that paid the invoice or a part of it
 * @property {boolean} under_way a payment has begun and has not settled
 * @property {{ status: string, required_action: string | null, failure: { code: string | null, decline_code: string | null, message: string | null } | null } | null} fulfillment
 */

const MOST_TRIES = 20;
const AGAIN_MS = 5_000;
/** Stripe's word for it. */
export const TRANSFER = "display_bank_transfer_instructions";

/** An answer that says no; `code` is the service's word for why. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} detail @param {number} [retryAfterS] */
  constructor(status, code, detail, retryAfterS = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
    /** The link opens nothing any more; the page itself says why when it is loaded again. */
    this.gone = status === 403 || status === 404;
  }
}

/** @param {string} address @param {RequestInit} [how] @returns {Promise<any>} */
async function ask(address, how) {
  const answer = await fetch(address, { ...how, headers: { Accept: "application/json", ...how?.headers } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.code ?? "", body.detail ?? "", Number(answer.headers.get("Retry-After")));
  return body;
}

/** Calls the API with a portal link's token. Where calls come too fast, it waits as long as it is told.
 * @param {string} token @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
export async function call(token, method, path, body) {
  /** @type {Record<string, string>} */
  const write = method === "GET" ? {} : { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
  const how = { method, body: body && JSON.stringify(body), headers: { Authorization: `Bearer ${token}`, ...write } };
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(path, how);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 429 || tries > MOST_TRIES) throw error;
      await pause(1000 * (error.retryAfterS || 1));
    }
  }
}

/** @param {string} address @returns {Promise<Session>} */
export const session = (address) => ask(`${address}/session`);

/** What is to be said of the last payment. @param {string} address @returns {Promise<{ facts: [label: string, value: string][], receipt: boolean }>} */
export const payment = (address) => ask(`${address}/payment`);

/** The session of a part of the invoice. With the same key it is begun once. @param {string} address @param {number} amount @param {string} key @returns {Promise<Session>} */
export const part = (address, amount, key) => ask(`${address}/part`, { method: "POST", body: JSON.stringify({ amount }), headers: { "Idempotency-Key": key } });

/** @param {string} address @returns {Promise<Status>} */
export const status = (address) => ask(`${address}/status`);

/** The status after the service has asked Stripe. @param {string} address @returns {Promise<Status>} */
export const askStripe = (address) => ask(`${address}/status`, { method: "POST" });

/** What Stripe.js is started with: the language of the page. @param {string | undefined} locale */
export const localized = (locale) => ({ locale: /** @type {import("@stripe/stripe-js").StripeElementLocale | undefined} */ (locale) });

/** Loads Stripe.js from where the deployment says it is. @param {string} url @returns {Promise<StripeConstructor>} */
export function loadStripe(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => (window.Stripe ? resolve(window.Stripe) : reject(new Error("Stripe.js is not what was loaded")));
    script.onerror = () => reject(new Error("Stripe.js could not be loaded"));
    document.head.append(script);
  });
}

/** Hears that something changed. A stream that ended is opened again; what it may have missed counts as a change. */
export class Changes {
  #heard = false;
  #wake = () => {};
  #source;
  #again = 0;

  /** @param {string} address */
  constructor(address) {
    this.#source = this.#open(`${address}/events`, false);
  }

  /** @param {string} address @param {boolean} missed @returns {EventSource} */
  #open(address, missed) {
    const source = new EventSource(address);
    source.onopen = () => missed && this.#hear();
    source.onmessage = () => this.#hear();
    source.onerror = () => {
      missed = true;
      if (source.readyState === EventSource.CLOSED) this.#again = setTimeout(() => (this.#source = this.#open(address, true)), AGAIN_MS);
    };
    return source;
  }

  #hear() {
    this.#heard = true;
    this.#wake();
  }

  /** Waits for a change, `ms` at most; whether there was one. @param {number} ms */
  async next(ms) {
    if (!this.#heard) await Promise.race([pause(ms), new Promise((resolve) => (this.#wake = () => resolve(undefined)))]);
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }

  close() {
    clearTimeout(this.#again);
    this.#source.close();
  }
}

/** A color of the page. @param {string} name */
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Stripe's form in the colors of the page, unless the deployment chose others. The page has its main color, made legible. @param {Appearance} chosen */
export function appearance(chosen) {
  const page = { colorPrimary: color("--accent"), colorText: color("--ink"), colorDanger: color("--bad"), borderRadius: color("--radius") };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  /** @type {Appearance} */
  const ours = { theme: dark ? "night" : "stripe", ...chosen, variables: { ...page, ...chosen.variables, colorPrimary: page.colorPrimary } };
  return ours;
}
/** Whether the money is to come by bank transfer. @param {import("@stripe/stripe-js").PaymentIntent} intent */
export const awaitsTransfer = (intent) =>
  intent.status === "requires_action" && /** @type {string | undefined} */ (intent.next_action?.type) === TRANSFER;

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`#${id} is missing`);
  return found;
}
