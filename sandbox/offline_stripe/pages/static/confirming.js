// Confirmations: of payments and setups, with Elements or with what the page has already.

import { goTo, named, retrieve, seeThrough } from "./actions.js";
import { call } from "./calls.js";
import { Element } from "./element.js";
import { Elements, notSubmitted } from "./elements.js";
import { missing } from "./missing.js";
import { IntegrationError, intentOf, origin } from "./origin.js";

/** @typedef {import("./calls.js").Answer} Answer */
/** @typedef {"paymentIntent" | "setupIntent"} Result */
/** @typedef {{ elements?: Elements, clientSecret?: string, confirmParams?: Record<string, any>, redirect?: "always" | "if_required" }} Asked */

/** @param {Result} result @param {unknown} clientSecret @param {string} caller */
function intentFor(result, clientSecret, caller) {
  const name = intentOf(clientSecret);
  if (name.result !== result) throw new IntegrationError(`${caller}: the clientSecret is of a ${name.path.slice(0, -1)}. You specified: ${clientSecret}.`);
  return name;
}

/**
 * A confirmation with what the page knows: the id of a payment method, or details that are no Element's.
 * @param {string} key @param {string} clientSecret @param {Record<string, unknown>} params @returns {Promise<Answer>}
 */
function confirmDirectly(key, clientSecret, params) {
  const { id, path } = intentOf(clientSecret);
  return call("POST", `${origin}/v1/${path}/${id}/confirm`, { key, client_secret: clientSecret, use_stripe_sdk: true, ...params });
}

/** `confirmPayment` and `confirmSetup`. @param {string} key @param {Result} result @param {Asked} [asked] */
export async function confirmWithElements(key, result, { elements, clientSecret, confirmParams = {}, redirect = "always" } = {}) {
  const caller = result === "paymentIntent" ? "stripe.confirmPayment()" : "stripe.confirmSetup()";
  if (redirect === "always" && !confirmParams.return_url) throw new IntegrationError(`${caller}: confirmParams.return_url is required.`);
  if (confirmParams.confirmation_token) return missing(`${caller} confirmation_token`);
  const secret = clientSecret ?? elements?.clientSecret;
  if (!secret) throw new IntegrationError(`${caller}: the clientSecret is missing. Pass it here, or to stripe.elements().`);
  const name = intentFor(result, secret, caller);
  const answer = confirmParams.payment_method
    ? await confirmDirectly(key, secret, confirmParams)
    : await confirmElements(key, caller, elements, secret, confirmParams);
  const after = await seeThrough(key, answer);
  if (after.found && redirect === "always") return goTo(confirmParams.return_url, after.found);
  return named(name, after);
}

/** @param {string} key @param {string} caller @param {Elements | undefined} elements @param {string} clientSecret @param {Record<string, any>} confirmParams @returns {Promise<Answer>} */
async function confirmElements(key, caller, elements, clientSecret, confirmParams) {
  const element = elements?.getElement("payment");
  if (!elements || !element) throw new IntegrationError(`Invalid value for ${caller}: elements should have a mounted Payment Element or Express Checkout Element.`);
  if (elements.deferred) {
    if (!elements.submitted) throw notSubmitted(caller);
    const { found, error } = await retrieve(key, clientSecret);
    const mismatch = error ?? elements.mismatch(found);
    if (mismatch) return { error: mismatch };
  }
  const { billing_details, shipping } = await elements.collected();
  const { payment_method_data: data = {}, ...params } = confirmParams;
  // What a person typed wins over what the page passes.
  const sent = { ...data, billing_details: { ...data.billing_details, ...billing_details } };
  const ships = shipping && caller === "stripe.confirmPayment()" ? { shipping } : {};
  return element.ask("confirm", { clientSecret, params: { ...params, ...ships, payment_method_data: sent } });
}

/**
 * `confirmCardPayment` and its like: the method is an Element, its details, or an id.
 * @param {string} key @param {{ type: "card" | "sepa_debit" | "us_bank_account", result: Result, caller: string }} what
 * @param {string} clientSecret @param {Record<string, any>} [data] @param {{ handleActions?: boolean }} [options]
 */
export async function confirmWithMethod(key, { type, result, caller }, clientSecret, data = {}, { handleActions = true } = {}) {
  const name = intentFor(result, clientSecret, caller);
  const { payment_method: method, ...params } = data;
  /** @type {Answer} */
  let answer;
  if (method && typeof method === "object") {
    const { [type]: details, ...others } = method;
    answer = details instanceof Element
      ? await details.ask("confirm", { clientSecret, params: { ...params, payment_method_data: others } })
      : await confirmDirectly(key, clientSecret, { ...params, payment_method_data: { type, [type]: details, ...others } });
  } else {
    answer = await confirmDirectly(key, clientSecret, method ? { ...params, payment_method: method } : params);
  }
  return named(name, handleActions ? await seeThrough(key, answer) : answer);
}
