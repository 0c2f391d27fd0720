// Inside an Element's frame: what the page says to it, and its start.

import { wear } from "./appearance.js";
import { call, connectionLost, intentNamed } from "./calls.js";
import { offered, shownOf } from "./fields.js";
import { buildAll, clear, focus, kind, resize, submit, value } from "./form.js";
import { confirm, create, token } from "./paying.js";
import { speak } from "./words.js";

/** @typedef {import("./paying.js").Setup} Setup */
/** @typedef {import("@stripe/stripe-js").StripeError} StripeError */

/** @type {MessagePort} */
let port;
/** @type {Setup} */
let setup;

/** @param {string} event @param {object} [details] */
const emit = (event, details = {}) => port.postMessage({ event, details });

/** The payment methods to show: the intent's, or, while there is no intent, what fits what the page says. @returns {Promise<string[]>} */
async function methods() {
  const intent = intentNamed(setup.clientSecret);
  const { allowedPaymentMethodTypes: allowed, excludedPaymentMethodTypes: excluded = [], captureMethod, capture_method, currency } = setup;
  let types = offered(currency, (captureMethod ?? capture_method) === "manual");
  if (intent) {
    const { found, error } = await call("GET", `/v1/${intent.path}/${intent.id}`, { key: setup.key, client_secret: setup.clientSecret });
    if (error) throw error;
    types = shownOf(found.payment_method_types);
  }
  const order = /** @type {string[]} */ (setup.options.paymentMethodOrder ?? []);
  const rank = (/** @type {string} */ type) => (order.includes(type) ? order.indexOf(type) : order.length);
  return types.filter((type) => (allowed?.includes(type) ?? true) && !excluded.includes(type)).sort((one, other) => rank(one) - rank(other));
}

/** Shows the Element as the page wants it now. */
async function show() {
  Object.assign(document.documentElement.dataset, { group: String(setup.group), mode: setup.options.mode ?? "" });
  speak(setup.locale);
  wear(setup.appearance, setup.options.style);
  buildAll(kind === "payment" ? await methods() : [], setup.options, emit);
}

/** @type {Record<string, (details: any) => unknown>} */
const ANSWERS = {
  submit, clear, focus, value,
  confirm: (asked) => confirm(setup, asked),
  create: (params) => create(setup, params ?? {}),
  token: (data) => token(setup, data ?? {}),
  blur: () => /** @type {HTMLElement | null} */ (document.activeElement)?.blur(),
  setup: (changes) => { Object.assign(setup, changes); return start(); },
  update: (options) => { setup.options = options; return start(); },
};

async function start() {
  try {
    await show();
    return true;
  } catch (error) {
    emit("loaderror", { error: error instanceof Error ? connectionLost() : error });
    return false;
  }
}

addEventListener("message", async (event) => {
  if (event.source !== parent || !event.data?.setup || !event.ports[0]) return;
  setup = event.data.setup;
  port = event.ports[0];
  port.onmessage = async ({ data }) => port.postMessage({ reply: data.number, answer: await ANSWERS[data.question]?.(data.details) });
  if (!(await start())) return;
  new ResizeObserver(resize).observe(document.documentElement);
  resize();
  emit("ready");
}, { once: true });
