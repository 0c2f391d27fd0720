// The calls that the pages make: to the service they came from, and for Stripe's script.

/** @typedef {import("@stripe/stripe-js").StripeConstructor} StripeConstructor */
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
 * @property {{ status: string, failure: { code: string | null, decline_code: string | null, message: string | null } | null } | null} fulfillment
 */

/** An answer that says no; `code` is the service's word for why. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} detail */
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
    /** The link opens nothing any more; the page itself says why when it is loaded again. */
    this.gone = status === 403 || status === 404;
  }
}

/** @param {string} address @param {RequestInit} [how] @returns {Promise<any>} */
async function ask(address, how) {
  const answer = await fetch(address, { ...how, headers: { Accept: "application/json" } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.code ?? "", body.detail ?? "");
  return body;
}

/** @param {string} address @returns {Promise<Session>} */
export const session = (address) => ask(`${address}/session`);

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

/** Hears that something changed. Where the stream is not to be had, time passes and nothing is lost. */
export class Changes {
  #heard = false;
  #wake = () => {};
  #source;

  /** @param {string} address */
  constructor(address) {
    this.#source = new EventSource(`${address}/events`);
    this.#source.onmessage = () => {
      this.#heard = true;
      this.#wake();
    };
  }

  /** Waits for a change, `ms` at most; whether there was one. @param {number} ms */
  async next(ms) {
    if (!this.#heard) await Promise.race([pause(ms), new Promise((resolve) => (this.#wake = () => resolve(undefined)))]);
    const heard = this.#heard;
    this.#heard = false;
    return heard;
  }

  close() {
    this.#source.close();
  }
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`#${id} is missing`);
  return found;
}
