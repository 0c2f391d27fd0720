// What a page makes without confirming anything: payment methods and tokens.

import { call } from "./calls.js";
import { Element } from "./element.js";
import { Elements, notSubmitted } from "./elements.js";
import { missing } from "./missing.js";
import { IntegrationError, origin } from "./origin.js";

/** @typedef {import("./calls.js").Answer} Answer */

/** @param {string} result @param {Answer} answer @returns {any} */
const shown = (result, { found, error }) => (error ? { error } : { [result]: found });

/** `{ elements, params }`, `{ element, params }`, or the data of a payment method. @param {string} key @param {Record<string, any>} [asked] */
export async function createPaymentMethod(key, { elements, element, params = {}, ...data } = {}) {
  if (elements instanceof Elements) return shown("paymentMethod", await fromElements(elements, params));
  if (element instanceof Element) return shown("paymentMethod", await element.ask("create", params));
  const { [data.type]: details, ...others } = data;
  if (details instanceof Element) return shown("paymentMethod", await details.ask("create", others));
  return shown("paymentMethod", await call("POST", `${origin}/v1/payment_methods`, { key, ...data }));
}

/** @param {Elements} elements @param {Record<string, any>} params @returns {Promise<Answer>} */
async function fromElements(elements, params) {
  const element = elements.getElement("payment") ?? elements.getElement("card") ?? elements.getElement("cardNumber");
  if (!element) throw new IntegrationError("stripe.createPaymentMethod(): elements should have a mounted Element that collects a payment method.");
  if (elements.deferred && !elements.createsManually) throw new IntegrationError("stripe.createPaymentMethod(): elements should be created with paymentMethodCreation: 'manual'.");
  if (elements.deferred && !elements.submitted) throw notSubmitted("createPaymentMethod()");
  const { billing_details } = await elements.collected();
  return element.ask("create", { ...params, billing_details: { ...params.billing_details, ...billing_details } });
}

/** A card's token from an Element, or a bank account's. @param {string} key @param {unknown} kind @param {Record<string, any>} [data] */
export async function createToken(key, kind, data = {}) {
  if (kind instanceof Element) return shown("token", await kind.ask("token", data));
  if (kind !== "bank_account") return missing(`stripe.createToken("${kind}")`);
  return shown("token", await call("POST", `${origin}/v1/tokens`, { key, bank_account: data }));
}
