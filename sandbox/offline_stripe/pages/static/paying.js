// What a frame sends: the details that were typed go to the API of this origin, and to nobody else.

import { call, intentNamed } from "./calls.js";
import { digitsOf } from "./card.js";
import { kind, method, submit } from "./form.js";

/** @typedef {import("./calls.js").Answer} Answer */
/** @typedef {{ key: string, group: number, options: Record<string, any>, [name: string]: any }} Setup */

/** The frames of the card's other parts, where each part has an Element of its own. @param {number} group @returns {Document[]} */
function siblings(group) {
  const found = [];
  for (let index = 0; index < parent.frames.length; index += 1) {
    try {
      const other = parent.frames[index]?.document;
      if (other && other !== document && other.documentElement.dataset.group === String(group)) found.push(other);
    } catch {
      // a frame of another origin
    }
  }
  return found;
}

/** @param {Setup} setup @param {string} id */
function text(setup, id) {
  const places = kind === "cardNumber" ? [document, ...siblings(setup.group)] : [document];
  const field = places.map((place) => /** @type {HTMLInputElement | null} */ (place.getElementById(id))).find(Boolean);
  return field?.value ?? "";
}

/** @param {Setup} setup */
function card(setup) {
  const expiry = digitsOf(text(setup, "expiry"));
  return { number: digitsOf(text(setup, "number")), exp_month: expiry.slice(0, 2), exp_year: expiry.slice(2), cvc: digitsOf(text(setup, "cvc")) };
}

/** The data of the payment method that was typed; what the page adds is in `given`. @param {Setup} setup @param {Record<string, any>} given */
function methodData(setup, given) {
  const { address, ...defaults } = setup.options.defaultValues?.billingDetails ?? {};
  const billing = { ...defaults, ...(address ? { address } : {}), ...given.billing_details };
  const type = kind === "iban" ? "sepa_debit" : kind === "payment" ? method() : "card";
  if (type === "card") return { ...given, type, card: card(setup), billing_details: billing };
  if (type === "sepa_debit") return { ...given, type, sepa_debit: { iban: text(setup, "iban").replaceAll(/\s/g, "") }, billing_details: { ...billing, name: text(setup, "holder") || billing.name } };
  const account = { account_number: digitsOf(text(setup, "account")), routing_number: digitsOf(text(setup, "routing")), account_holder_type: "individual" };
  const name = text(setup, "name") || billing.name;
  return { ...given, type, us_bank_account: account, billing_details: { ...billing, name } };
}

/** @param {Setup} setup @param {{ clientSecret: string, params: Record<string, any> }} asked @returns {Promise<Answer>} */
export async function confirm(setup, { clientSecret, params }) {
  const { error } = submit();
  if (error) return { error };
  const intent = intentNamed(clientSecret);
  const data = methodData(setup, params.payment_method_data ?? {});
  // As at Stripe, whoever gives a bank account here agrees to be debited later.
  const agrees = intent?.path === "setup_intents" && data.type !== "card";
  const mandate = { customer_acceptance: { type: "online", online: { ip_address: "127.0.0.1", user_agent: navigator.userAgent } } };
  return call("POST", `/v1/${intent?.path}/${intent?.id}/confirm`, {
    ...(agrees ? { mandate_data: mandate } : {}), ...params, key: setup.key, client_secret: clientSecret, use_stripe_sdk: true, expected_payment_method_type: data.type, payment_method_data: data,
  });
}

/** @param {Setup} setup @param {Record<string, any>} params @returns {Promise<Answer>} */
export async function create(setup, params) {
  const { error } = submit();
  return error ? { error } : call("POST", "/v1/payment_methods", { ...methodData(setup, params), key: setup.key });
}

/** @param {Setup} setup @param {Record<string, any>} data @returns {Promise<Answer>} */
export async function token(setup, data) {
  const { error } = submit();
  return error ? { error } : call("POST", "/v1/tokens", { key: setup.key, card: { ...card(setup), ...data } });
}
