// Calls to the API with a publishable key, by the page's script and by its frames.

import { heard } from "./missing.js";

/** @typedef {import("@stripe/stripe-js").StripeError} StripeError */
/** @typedef {{ found?: any, error?: StripeError }} Answer */
/** @typedef {{ id: string, path: "payment_intents" | "setup_intents", result: "paymentIntent" | "setupIntent" }} IntentName */

const CONNECTION = "We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.";

/** What a call answers when the network, not the API, was at fault. */
export const connectionLost = () => /** @type {StripeError} */ ({ type: "api_connection_error", message: CONNECTION });

/**
 * Stripe's form encoding: `{ a: { b: [1] } }` is `a[b][0]=1`. What is null or undefined is left out.
 * @param {Record<string, unknown>} params
 */
export function encode(params) {
  const body = new URLSearchParams();
  const add = (/** @type {string} */ name, /** @type {unknown} */ value) => {
    if (value === undefined || value === null) return;
    if (typeof value !== "object") body.append(name, String(value));
    else for (const [key, inner] of Object.entries(value)) add(name ? `${name}[${key}]` : key, inner);
  };
  add("", params);
  return body;
}

/**
 * One call. `path` is absolute, or relative to this origin.
 * @param {"GET" | "POST"} method @param {string} path @param {Record<string, unknown>} params @returns {Promise<Answer>}
 */
export async function call(method, path, params) {
  const body = encode(params);
  try {
    const answer = method === "GET" ? await fetch(`${path}?${body}`) : await fetch(path, { method, body });
    const found = await answer.json();
    return answer.ok ? { found } : heard(found.error);
  } catch {
    return { error: connectionLost() };
  }
}

/** Which object a client secret belongs to; null for anything that is no client secret. @param {unknown} secret @returns {IntentName | null} */
export function intentNamed(secret) {
  const id = /^((?:pi|seti)_\w+?)_secret_\w+$/.exec(String(secret))?.[1];
  if (!id) return null;
  return id.startsWith("pi_") ? { id, path: "payment_intents", result: "paymentIntent" } : { id, path: "setup_intents", result: "setupIntent" };
}
