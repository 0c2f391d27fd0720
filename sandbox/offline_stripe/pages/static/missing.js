// What Stripe.js has and the sandbox does not simulate is said by name in the console, once each.

/** @type {Set<string>} */
const said = new Set();

/** @param {"error" | "warn" | "info"} level @param {string} text */
function sayOnce(level, text) {
  if (said.has(text)) return;
  said.add(text);
  console[level](`Stripe.js of the sandbox: ${text}`);
}

/** @typedef {import("@stripe/stripe-js").StripeError} StripeError */

const CODE = "sandbox_not_simulated";

/** Something that was called or mounted, and does nothing here. @param {string} what */
export function missing(what) {
  const message = `not simulated here: ${what}`;
  sayOnce("error", message);
  return { error: /** @type {StripeError} */ ({ type: "api_error", code: CODE, message }) };
}

/** An error of the API: what it does not simulate is said here, too. @param {StripeError} error */
export function heard(error) {
  if (error?.code === CODE) sayOnce("error", error.message ?? CODE);
  return { error };
}

/** Something that renders nothing in this browser, as it may with Stripe. @param {string} text */
export const remark = (text) => sayOnce("info", text);

/**
 * An option that has no effect here is named.
 * @param {string} where @param {object} given @param {readonly string[]} known the options that have their effect, or need none
 */
export function checkOptions(where, given, known) {
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null && !known.includes(name)) sayOnce("warn", `not simulated here, without effect: ${where} ${name}`);
  }
}
