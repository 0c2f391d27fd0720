// Where the sandbox is, and the error for wrong use of the library.

import { intentNamed } from "./calls.js";

const source = new URL(/** @type {HTMLScriptElement} */ (document.currentScript).src);

/** The sandbox. A test may serve this script in the name of Stripe's own host: then the sandbox's address counts. */
export const origin = source.hostname === "js.stripe.com" ? SANDBOX_URL : source.origin;

/** Stripe's name for wrong use of the library. */
export class IntegrationError extends Error {
  name = "IntegrationError";
}

export const never = () => /** @type {Promise<never>} */ (new Promise(() => undefined));

/** @param {unknown} clientSecret */
export function intentOf(clientSecret) {
  const named = intentNamed(clientSecret);
  if (!named) throw new IntegrationError(`Invalid value for clientSecret: it should be of the form \${id}_secret_\${secret}. You specified: ${clientSecret}.`);
  return named;
}
