// One Element: a frame of the sandbox's origin, and the messages to and fro. What a person types stays in the frame.

import { missing, remark } from "./missing.js";
import { IntegrationError, origin } from "./origin.js";

/** @typedef {Record<string, any>} Options */
/** @typedef {{ title: string, height: string, options: readonly string[] }} Kind */

const STYLED = ["style", "classes", "disabled", "placeholder"];

/** The Elements that are simulated, with the options that have their effect. @type {Record<string, Kind>} */
export const KINDS = {
  payment: { title: "Secure payment input frame", height: "240px", options: ["defaultValues", "fields", "paymentMethodOrder", "readOnly"] },
  card: { title: "Secure card payment input frame", height: "1.5em", options: [...STYLED, "hidePostalCode", "disableLink"] },
  cardNumber: { title: "Secure card number input frame", height: "1.5em", options: [...STYLED, "disableLink"] },
  cardExpiry: { title: "Secure expiration date input frame", height: "1.5em", options: STYLED },
  cardCvc: { title: "Secure CVC input frame", height: "1.5em", options: STYLED },
  address: { title: "Secure address input frame", height: "420px", options: ["mode", "allowedCountries", "defaultValues", "fields", "display", "validation"] },
  iban: { title: "Secure IBAN input frame", height: "1.5em", options: [...STYLED, "supportedCountries", "placeholderCountry"] },
  linkAuthentication: { title: "Secure email input frame", height: "80px", options: ["defaultValues"] },
  contactDetails: { title: "Secure email input frame", height: "80px", options: ["defaultValues"] },
};

/** Stripe's other Elements. */
export const OTHER_ELEMENTS = ["auBankAccount", "currencySelector", "expressCheckout", "issuingAddToWalletButton", "issuingCardCopyButton", "issuingCardCvcDisplay", "issuingCardExpiryDisplay", "issuingCardNumberDisplay", "issuingCardPinDisplay", "linkSignup", "paymentForm", "paymentMethodMessaging", "paymentRequestButton", "shippingAddress", "taxId", "terms"];
const EVENTS = ["blur", "change", "escape", "focus", "loaderror", "loaderstart", "ready"];
const CLASSES = { base: "StripeElement", complete: "StripeElement--complete", empty: "StripeElement--empty", focus: "StripeElement--focus", invalid: "StripeElement--invalid" };
const UNMOUNTED = "We could not retrieve data from the specified Element. Please make sure the Element you are attempting to use is still mounted.";

/**
 * @typedef {import("@stripe/stripe-js").StripePaymentElement} PaymentElement
 * @typedef {import("@stripe/stripe-js").StripeAddressElement} AddressElement
 * @typedef {import("@stripe/stripe-js").StripeCardElement} CardElement
 */
/** @implements {Record<keyof PaymentElement | keyof AddressElement | keyof CardElement, unknown>} */
export class Element {
  /** @type {Map<string, Set<(event: any) => void>>} */
  #listeners = new Map();
  /** @type {HTMLIFrameElement | null} */
  #frame = null;
  /** @type {Promise<MessagePort> | null} */
  #port = null;
  /** @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();
  #asked = 0;
  #options;
  #setup;
  #onDestroy;

  /** @param {string} type @param {Options} options @param {() => object} setup what else a frame must know @param {() => void} onDestroy */
  constructor(type, options, setup, onDestroy) {
    this._elementType = type;
    this.#options = options;
    this.#setup = setup;
    this.#onDestroy = onDestroy;
  }

  /** @param {string | HTMLElement} target */
  mount(target) {
    const place = typeof target === "string" ? document.querySelector(target) : target;
    if (!place) throw new IntegrationError(`The selector you specified (${target}) applies to no DOM elements that are currently on the page.`);
    const type = this._elementType;
    this.unmount();
    if (type === "expressCheckout") remark("the Express Checkout Element renders nothing, as there is no wallet here");
    else if (!KINDS[type]) missing(`the Element ${type}`);
    const { title, height } = KINDS[type] ?? { title: `Frame of ${type}`, height: type === "expressCheckout" ? "0" : "1.5em" };
    const frame = document.createElement("iframe");
    frame.src = `${origin}/elements/${KINDS[type] ? type : "absent"}`;
    frame.title = title;
    frame.allow = "payment *";
    frame.name = `__privateStripeFrame_${type}`;
    if (height === "0") frame.tabIndex = -1;
    Object.assign(frame.style, { border: "0", display: "block", width: "100%", height, colorScheme: "light only" });
    this.#port = new Promise((resolve) => frame.addEventListener("load", () => resolve(this.#greet(frame))));
    place.replaceChildren(frame);
    this.#frame = frame;
    this.#wear("base", true);
    this.#wear("empty", true);
    this.#tell("loaderstart", {});
  }

  /** @param {HTMLIFrameElement} frame */
  #greet(frame) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => this.#hear(data);
    frame.contentWindow?.postMessage({ setup: plain({ ...this.#setup(), type: this._elementType, options: this.#options }) }, origin, [port2]);
    return port1;
  }

  /** @param {{ reply?: number, answer?: unknown, event?: string, details?: any }} message */
  #hear(message) {
    if (message.reply !== undefined) {
      this.#waiting.get(message.reply)?.resolve(message.answer);
      this.#waiting.delete(message.reply);
    } else if (message.event === "resize") {
      if (this.#frame) this.#frame.style.height = `${message.details.height}px`;
    } else if (message.event) {
      if (message.event === "focus" || message.event === "blur") this.#wear("focus", message.event === "focus");
      if (message.event === "change") {
        this.#wear("complete", message.details.complete);
        this.#wear("empty", message.details.empty);
        this.#wear("invalid", Boolean(message.details.error));
      }
      this.#tell(message.event, message.details);
    }
  }

  /** @param {string} event @param {object} details */
  #tell(event, details) {
    for (const listener of this.#listeners.get(event) ?? []) listener({ elementType: this._elementType, ...details });
  }

  /** The classes of the element around the frame. @param {keyof typeof CLASSES} state @param {boolean} on */
  #wear(state, on) {
    const classes = String(this.#options.classes?.[state] ?? CLASSES[state]).split(/\s+/).filter(Boolean);
    for (const one of classes) this.#frame?.parentElement?.classList.toggle(one, on);
  }

  /** Asks the frame; waits for it where it is still loading. @param {string} question @param {unknown} [details] @returns {Promise<any>} */
  async ask(question, details) {
    const coming = this.#port;
    if (!coming) throw new IntegrationError(UNMOUNTED);
    const number = (this.#asked += 1);
    const answer = new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    const port = await Promise.race([coming, /** @type {Promise<never>} */ (answer)]);
    port.postMessage({ question, number, details: plain(details) });
    return answer;
  }

  /** What needs no answer, and no frame. @param {string} question @param {unknown} [details] */
  tell(question, details) {
    if (this.#port) this.ask(question, details).catch(() => undefined);
  }

  /** @param {string} event @param {(event: any) => void} listener */
  on(event, listener) {
    if (!EVENTS.includes(event) && this._elementType !== "expressCheckout") missing(`the event ${event} of the Element ${this._elementType}`);
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
    return this;
  }
  /** @param {string} event @param {(event: any) => void} listener */
  once(event, listener) {
    /** @param {any} details */
    const first = (details) => { this.off(event, first); listener(details); };
    return this.on(event, first);
  }
  /** @param {string} event @param {(event: any) => void} [listener] */
  off(event, listener) {
    if (listener) this.#listeners.get(event)?.delete(listener);
    else this.#listeners.delete(event);
    return this;
  }
  focus() { this.tell("focus"); }
  blur() { this.tell("blur"); }
  clear() { this.tell("clear"); }
  collapse() { return this; /* one method is always open */ }
  /** @param {Options} options */
  update(options) {
    this.#options = { ...this.#options, ...options };
    this.tell("update", this.#options);
    return this;
  }
  /** What was typed into an Address Element. */
  getValue() { return this.ask("value"); }
  unmount() {
    for (const state of /** @type {(keyof typeof CLASSES)[]} */ (Object.keys(CLASSES))) this.#wear(state, false);
    this.#frame?.remove();
    this.#frame = this.#port = null;
    for (const { reject } of this.#waiting.values()) reject(new IntegrationError(UNMOUNTED));
    this.#waiting.clear();
  }
  destroy() {
    this.unmount();
    this.#listeners.clear();
    this.#onDestroy();
  }
}

/** A copy that a message may carry: without functions. @param {unknown} value */
const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
