// The page's words in the payer's language. The service puts them into the page: those that stand in calls of `text`.

/** @typedef {{ texts: Record<string, string>, declines: Record<string, string> }} Texts */

/** @type {Texts} */
const { texts, declines } = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

/** @param {string} english @param {Record<string, string>} [values] for its placeholders */
export function text(english, values = {}) {
  return Object.entries(values).reduce((said, [name, value]) => said.replaceAll(`%(${name})s`, () => value), texts[english] ?? english);
}

/**
 * Why a payment failed.
 * @param {{ code?: string | null, decline_code?: string | null, message?: string | null }} [failure] of Stripe.js or of the service
 */
export function declined(failure = {}) {
  const known = declines[failure.decline_code ?? ""] && failure.decline_code ? failure.decline_code : failure.code ?? "";
  return (known && declines[known]) || failure.message || declines[""] || "";
}

/** An amount of minor units as the page's language writes it. @param {number} amount @param {string} currency @param {number} decimals that Stripe counts */
export function money(amount, currency, decimals) {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, ...digits }).format(amount / 10 ** decimals);
}
