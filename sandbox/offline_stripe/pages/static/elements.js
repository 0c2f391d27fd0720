// The Elements of one page: what a page gets from `stripe.elements()`.

import { Element, KINDS, OTHER_ELEMENTS } from "./element.js";
import { checkOptions } from "./missing.js";
import { IntegrationError, intentOf } from "./origin.js";

/** @typedef {import("@stripe/stripe-js").StripeError} StripeError */

const GROUP_OPTIONS = ["clientSecret", "appearance", "locale", "mode", "amount", "currency", "loader", "paymentMethodCreation", "allowedPaymentMethodTypes", "excludedPaymentMethodTypes", "setupFutureUsage", "setup_future_usage", "captureMethod", "capture_method"];
const MODES = ["payment", "setup", "subscription"];
let groups = 0;

/** Stripe's words for a call that came before `elements.submit()`. @param {string} caller */
export const notSubmitted = (caller) => new IntegrationError(`elements.submit() must be called before ${caller}. Call elements.submit() as soon as your customer presses pay, prior to any asynchronous work. Integration guide: https://stripe.com/docs/payments/accept-a-payment-deferred`);

/** @implements {Record<keyof import("@stripe/stripe-js").StripeElements, unknown>} */
export class Elements {
  /** @type {Map<string, Element>} */
  #made = new Map();
  #key;
  #locale;
  #group = (groups += 1);
  #submitted = false;
  /** @type {Set<() => void>} */
  #updated = new Set();
  /** @type {Record<string, any>} */
  #options;

  /** @param {string} key @param {Record<string, any>} options @param {string | undefined} locale of the whole page */
  constructor(key, options, locale) {
    this.#key = key;
    this.#locale = locale;
    this.#options = options;
    checkOptions("stripe.elements()", options, GROUP_OPTIONS);
    if (options.clientSecret !== undefined) intentOf(options.clientSecret);
    if (options.mode !== undefined) this.#checkMode(options);
  }

  /** @param {Record<string, any>} options */
  #checkMode({ mode, amount, currency, clientSecret }) {
    if (clientSecret !== undefined) throw new IntegrationError("Invalid value for stripe.elements(): provide either a clientSecret or a mode, not both.");
    if (!MODES.includes(mode)) throw new IntegrationError(`Invalid value for stripe.elements(): mode should be one of ${MODES.join(", ")}. You specified: ${mode}.`);
    if (mode !== "setup" && !Number.isInteger(amount)) throw new IntegrationError(`Invalid value for stripe.elements(): amount should be an integer when mode is ${mode}. You specified: ${amount}.`);
    if (mode !== "setup" && typeof currency !== "string") throw new IntegrationError(`Invalid value for stripe.elements(): currency is required when mode is ${mode}.`);
  }

  get clientSecret() { return /** @type {string | undefined} */ (this.#options.clientSecret); }

  /** Whether the page makes the intent only when the person pays. */
  get deferred() { return this.#options.mode !== undefined; }
  get submitted() { return this.#submitted; }
  get createsManually() { return this.#options.paymentMethodCreation === "manual"; }

  /** Why an intent does not fit what was shown, if so. @param {any} intent @returns {StripeError | null} */
  mismatch(intent) {
    const { mode, amount, currency } = this.#options;
    if (mode === "payment" && (intent.amount !== amount || intent.currency !== currency)) {
      return { type: "invalid_request_error", message: `The amount and currency of stripe.elements() (${amount} ${currency}) do not match the PaymentIntent's (${intent.amount} ${intent.currency}).` };
    }
    return null;
  }

  /** What each frame must know. */
  #setup() {
    const { locale = this.#locale, appearance = {}, loader, ...others } = this.#options;
    return { ...others, appearance, locale, key: this.#key, group: this.#group };
  }

  /** @param {unknown} type a name, or a component of React's that has one */
  #name(type) {
    return String(typeof type === "string" ? type : /** @type {any} */ (type)?.__elementType);
  }

  /** @param {string} type @param {Record<string, any>} [options] */
  create(type, options = {}) {
    if (!KINDS[type] && !OTHER_ELEMENTS.includes(type)) {
      throw new IntegrationError(`A valid Element name must be provided. Valid Elements are: ${Object.keys(KINDS).join(", ")}. You passed: ${type}.`);
    }
    const key = type === "address" ? `address:${options.mode}` : type;
    if (this.#made.has(key)) throw new IntegrationError(`Can only create one Element of type ${type}.`);
    if (type === "payment" && !this.clientSecret && !this.deferred) throw new IntegrationError("In order to create a payment element, you must pass a clientSecret or mode when creating the Elements group.");
    if (type === "address" && !["shipping", "billing"].includes(options.mode)) throw new IntegrationError("You must supply options.mode. mode must be 'billing' or 'shipping'.");
    if (KINDS[type]) this.#check(type, options);
    const made = new Element(type, options, () => this.#setup(), () => this.#made.delete(key));
    this.#made.set(key, made);
    return made;
  }

  /** @param {string} type @param {Record<string, any>} options */
  #check(type, options) {
    const { layout, wallets = {}, terms, ...others } = options;
    checkOptions(`the option of the Element ${type}:`, others, KINDS[type]?.options ?? []);
    // There are no wallets and no terms here, and tabs are the only layout.
    const wanted = typeof layout === "object" ? layout.type : layout;
    if (wanted === "accordion") checkOptions(`the option of the Element ${type}:`, { "layout accordion": true }, []);
    const shown = Object.entries({ ...wallets, ...terms }).filter(([, value]) => value !== "never" && value !== "auto");
    checkOptions(`the option of the Element ${type}:`, Object.fromEntries(shown), []);
  }

  /** @param {unknown} type @param {{ mode?: string }} [options] */
  getElement(type, options) {
    const name = this.#name(type);
    if (name !== "address") return this.#made.get(name) ?? null;
    const modes = options?.mode ? [options.mode] : ["shipping", "billing"];
    return modes.map((mode) => this.#made.get(`address:${mode}`)).find(Boolean) ?? null;
  }

  /** @param {Record<string, any>} options */
  async update(options) {
    checkOptions("elements.update()", options, GROUP_OPTIONS);
    if (this.deferred) this.#checkMode({ ...this.#options, ...options });
    this.#options = { ...this.#options, ...options };
    await this.fetchUpdates();
    for (const listener of this.#updated) listener();
  }

  /** @param {string} event @param {() => void} listener */
  on(event, listener) {
    if (event !== "update-end") throw new IntegrationError(`elements.on() has only the event update-end. You passed: ${event}.`);
    this.#updated.add(listener);
  }

  /** @returns {Promise<{ error?: undefined }>} */
  async fetchUpdates() {
    for (const made of this.#made.values()) made.tell("setup", this.#setup());
    return {};
  }

  /** Validates what was typed, and shows what is wrong where it was typed. @returns {Promise<{ error?: StripeError, selectedPaymentMethod?: string }>} */
  async submit() {
    const names = ["linkAuthentication", "contactDetails", "address:shipping", "address:billing", "payment"];
    /** @type {{ error?: StripeError, selectedPaymentMethod?: string }} */
    let last = {};
    for (const made of names.map((name) => this.#made.get(name))) {
      if (made) last = await made.ask("submit");
      if (last.error) return { error: last.error };
    }
    this.#submitted = true;
    return last;
  }

  /** What the other Elements add to a confirmation. @returns {Promise<{ billing_details?: object, shipping?: object }>} */
  async collected() {
    const [contact, billing, shipping] = await Promise.all([
      this.#valueOf("linkAuthentication") ?? this.#valueOf("contactDetails"), this.#valueOf("address:billing"), this.#valueOf("address:shipping"),
    ]);
    return {
      ...(contact || billing ? { billing_details: { ...contact, ...billing } } : {}),
      ...(shipping ? { shipping } : {}),
    };
  }

  /** @param {string} name @returns {Promise<Record<string, unknown>> | null} */
  #valueOf(name) {
    const value = this.#made.get(name)?.getValue();
    return value ? value.then(({ value: { firstName, lastName, ...rest } }) => rest) : null;
  }
}
