// The stand-in for Stripe.js: what a page calls. Owns Elements, confirmations, redirects and the in-page challenge.
// As with Stripe's own, what a person types stays in a frame of this script's origin, and the frame does the paying.
// Shapes follow the types of @stripe/stripe-js; only what payment pages use is here.

/** @typedef {import("@stripe/stripe-js").PaymentIntent} PaymentIntent */
/** @typedef {import("@stripe/stripe-js").StripeError} StripeError */
/** @typedef {import("@stripe/stripe-js").Appearance} Appearance */
/** @typedef {import("@stripe/stripe-js").PaymentIntentResult} Outcome */
/** @typedef {{ style?: object, layout?: unknown, disabled?: boolean, hidePostalCode?: boolean }} ElementOptions */

(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const origin = new URL(script.src).origin;
  const CONNECTION = "We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.";

  /** Stripe's name for wrong use of the library. */
  class IntegrationError extends Error {
    name = "IntegrationError";
  }

  const never = () => /** @type {Promise<never>} */ (new Promise(() => undefined));

  /** @param {string} clientSecret */
  function intentId(clientSecret) {
    const [id] = String(clientSecret).split("_secret_");
    if (!id || !String(clientSecret).includes("_secret_")) {
      throw new IntegrationError(`Invalid value for clientSecret: it should be of the form \${id}_secret_\${secret}. You specified: ${clientSecret}.`);
    }
    return id;
  }

  /**
   * A call with the publishable key, as the frames make them too.
   * @param {string} method @param {string} path @param {Record<string, string>} params @returns {Promise<Outcome>}
   */
  async function call(method, path, params) {
    const body = new URLSearchParams(params);
    try {
      const answer = method === "GET" ? await fetch(`${origin}${path}?${body}`) : await fetch(`${origin}${path}`, { method, body });
      const found = await answer.json();
      return answer.ok ? { paymentIntent: found } : { error: found.error };
    } catch {
      return { error: /** @type {StripeError} */ ({ type: "api_connection_error", message: CONNECTION }) };
    }
  }

  /** One Element: a frame, and the messages that go to and fro. */
  class Element {
    /** @type {Map<string, Set<(event: any) => void>>} */
    #listeners = new Map();
    /** @type {HTMLIFrameElement | null} */
    #frame = null;
    /** @type {MessagePort | null} */
    #port = null;
    /** @type {Map<number, (answer: any) => void>} */
    #waiting = new Map();
    #asked = 0;
    #options;
    #setup;

    /** @param {"payment" | "card"} type @param {ElementOptions} options @param {Record<string, unknown>} setup */
    constructor(type, options, setup) {
      this.type = type;
      this.#options = options;
      this.#setup = setup;
    }

    /** @param {string | HTMLElement} target */
    mount(target) {
      const place = typeof target === "string" ? document.querySelector(target) : target;
      if (!place) throw new IntegrationError(`The selector you specified (${target}) applies to no DOM elements that are currently on the page.`);
      this.unmount();
      const frame = document.createElement("iframe");
      frame.src = `${origin}/elements/${this.type}`;
      frame.title = this.type === "card" ? "Secure card payment input frame" : "Secure payment input frame";
      frame.allow = "payment *";
      Object.assign(frame.style, { border: "0", display: "block", width: "100%", height: this.type === "card" ? "1.5em" : "240px", colorScheme: "light only" });
      frame.addEventListener("load", () => this.#greet(frame));
      place.replaceChildren(frame);
      place.classList.add("StripeElement");
      this.#frame = frame;
    }

    /** @param {HTMLIFrameElement} frame */
    #greet(frame) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => this.#hear(data);
      this.#port = port1;
      frame.contentWindow?.postMessage({ setup: { ...this.#setup, options: this.#options } }, origin, [port2]);
    }

    /** @param {{ reply?: number, answer?: unknown, event?: string, details?: any }} message */
    #hear(message) {
      if (message.reply !== undefined) {
        this.#waiting.get(message.reply)?.(message.answer);
        this.#waiting.delete(message.reply);
      } else if (message.event === "resize") {
        if (this.#frame) this.#frame.style.height = `${message.details.height}px`;
      } else if (message.event) {
        for (const listener of this.#listeners.get(message.event) ?? []) listener({ elementType: this.type, ...message.details });
      }
    }

    /** @param {string} question @param {unknown} [details] @returns {Promise<any>} */
    ask(question, details) {
      const port = this.#port;
      if (!port) throw new IntegrationError(`We could not retrieve data from the specified Element. Please make sure the Element you are attempting to use is still mounted.`);
      const number = (this.#asked += 1);
      port.postMessage({ question, number, details });
      return new Promise((resolve) => this.#waiting.set(number, resolve));
    }

    /** @param {string} event @param {(event: any) => void} listener */
    on(event, listener) {
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
    focus() { void this.ask("focus"); }
    blur() { void this.ask("blur"); }
    clear() { void this.ask("clear"); }
    collapse() { /* nothing to collapse: one method is always open */ }
    /** @param {ElementOptions} options */
    update(options) {
      this.#options = { ...this.#options, ...options };
      void this.ask("update", this.#options);
    }
    unmount() {
      this.#frame?.remove();
      this.#frame = this.#port = null;
    }
    destroy() {
      this.unmount();
      this.#listeners.clear();
    }
  }

  /** The Elements of one page. */
  class Elements {
    /** @type {Map<string, Element>} */
    #made = new Map();
    /** @type {string | undefined} */
    clientSecret;
    #setup;

    /** @param {string} key @param {{ clientSecret?: string, appearance?: Appearance, locale?: string }} options */
    constructor(key, options) {
      this.clientSecret = options.clientSecret;
      if (options.clientSecret !== undefined) intentId(options.clientSecret);
      this.#setup = { key, clientSecret: options.clientSecret, appearance: options.appearance ?? {} };
    }

    /** @param {"payment" | "card"} type @param {ElementOptions} [options] */
    create(type, options = {}) {
      if (type !== "payment" && type !== "card") throw new IntegrationError(`The sandbox's Stripe.js has no Element of type ${type}.`);
      if (type === "payment" && !this.clientSecret) throw new IntegrationError("The sandbox's Payment Element needs a clientSecret.");
      if (this.#made.has(type)) throw new IntegrationError(`Can only create one Element of type ${type}.`);
      const made = new Element(type, options, this.#setup);
      this.#made.set(type, made);
      return made;
    }
    /** @param {string} type */
    getElement(type) { return this.#made.get(type) ?? null; }
    /** @param {{ appearance?: Appearance }} options */
    update(options) {
      Object.assign(this.#setup, options);
      for (const made of this.#made.values()) void made.ask("appearance", options.appearance ?? {});
    }
    /** @returns {Promise<{ error?: undefined }>} */
    async fetchUpdates() { return {}; }
    /** Validates what was typed, and shows what is wrong where it was typed. */
    async submit() {
      return /** @type {Promise<{ error?: StripeError, selectedPaymentMethod?: string }>} */ (this.#need("payment").ask("submit"));
    }
    /** @param {string} type */
    #need(type) {
      const made = this.#made.get(type);
      if (!made) throw new IntegrationError(`Create and mount a ${type} Element first.`);
      return made;
    }
  }

  /** The challenge in the page itself, for those who do not want to be redirected. @param {string} url @returns {Promise<void>} */
  function challenge(url) {
    const dialog = document.createElement("dialog");
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.title = "Authentication by your bank";
    Object.assign(frame.style, { border: "0", width: "min(26rem, 80vw)", height: "22rem" });
    Object.assign(dialog.style, { padding: "0", border: "0", borderRadius: "8px" });
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.append(frame);
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((resolve) => {
      addEventListener("message", function heard(event) {
        if (event.origin !== origin || event.source !== frame.contentWindow || event.data !== "authenticated") return;
        removeEventListener("message", heard);
        dialog.remove();
        resolve();
      });
    });
  }

  /** Where a payment that has ended sends the person. @param {string} returnUrl @param {PaymentIntent} intent */
  function goTo(returnUrl, intent) {
    const address = new URL(returnUrl);
    address.searchParams.set("payment_intent", intent.id);
    address.searchParams.set("payment_intent_client_secret", intent.client_secret ?? "");
    address.searchParams.set("redirect_status", "succeeded");
    location.assign(address);
    return never();
  }

  /** @param {string} key */
  function Stripe(key) {
    if (typeof key !== "string" || !key.startsWith("pk_")) {
      throw new IntegrationError("Please call Stripe() with your publishable key. You used an empty string or another kind of key.");
    }

    /** @param {string} clientSecret @returns {Promise<Outcome>} */
    async function retrievePaymentIntent(clientSecret) {
      return call("GET", `/v1/payment_intents/${intentId(clientSecret)}`, { key, client_secret: clientSecret });
    }

    /** Sees a PaymentIntent through its next action, if it has one. @param {Outcome} outcome @returns {Promise<Outcome>} */
    async function seeThrough(outcome) {
      const action = /** @type {any} */ (outcome.paymentIntent?.status === "requires_action" ? outcome.paymentIntent.next_action : null);
      if (action?.type === "redirect_to_url") {
        location.assign(action.redirect_to_url.url);
        return never();
      }
      if (action?.type !== "use_stripe_sdk") return outcome;
      await challenge(action.use_stripe_sdk.stripe_js);
      const after = await retrievePaymentIntent(outcome.paymentIntent?.client_secret ?? "");
      const failed = after.paymentIntent?.status === "requires_payment_method" ? after.paymentIntent.last_payment_error : null;
      return failed ? { error: /** @type {StripeError} */ (/** @type {unknown} */ (failed)) } : after;
    }

    const found = {
      /** @param {{ clientSecret?: string, appearance?: Appearance }} [options] */
      elements: (options = {}) => new Elements(key, options),
      retrievePaymentIntent,

      /** @param {{ elements: Elements, clientSecret?: string, confirmParams?: { return_url?: string }, redirect?: "always" | "if_required" }} asked */
      async confirmPayment({ elements, clientSecret, confirmParams = {}, redirect = "always" }) {
        const returnUrl = confirmParams.return_url;
        if (redirect === "always" && !returnUrl) throw new IntegrationError("stripe.confirmPayment(): confirmParams.return_url is required.");
        const element = elements.getElement("payment");
        if (!element) throw new IntegrationError("stripe.confirmPayment(): elements should have a mounted Payment Element.");
        const secret = clientSecret ?? elements.clientSecret;
        const asked = { clientSecret: secret, returnUrl, useStripeSdk: redirect === "if_required" };
        const outcome = await seeThrough(await element.ask("confirm", asked));
        if (outcome.paymentIntent && redirect === "always" && returnUrl) return goTo(returnUrl, outcome.paymentIntent);
        return outcome;
      },

      /**
       * @param {string} clientSecret
       * @param {{ payment_method?: string | { card: Element, billing_details?: object }, return_url?: string }} [data]
       * @param {{ handleActions?: boolean }} [options]
       */
      async confirmCardPayment(clientSecret, data = {}, { handleActions = true } = {}) {
        const id = intentId(clientSecret);
        const method = data.payment_method;
        /** @type {Outcome} */
        let outcome;
        if (typeof method === "object") {
          outcome = await method.card.ask("confirm", { clientSecret, billingDetails: method.billing_details, useStripeSdk: true });
        } else {
          /** @type {Record<string, string>} */
          const params = { key, client_secret: clientSecret, use_stripe_sdk: "true" };
          if (method) params.payment_method = method;
          outcome = await call("POST", `/v1/payment_intents/${id}/confirm`, params);
        }
        return handleActions ? seeThrough(outcome) : outcome;
      },

      _registerWrapper: () => undefined,
    };
    return /** @satisfies {Pick<import("@stripe/stripe-js").Stripe, "retrievePaymentIntent" | "confirmCardPayment">} */ (found);
  }
  Stripe.version = "endive";
  /** @type {any} */ (window).Stripe = Stripe;
})();
