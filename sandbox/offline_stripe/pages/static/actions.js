// What follows a confirmation: the challenge in the page, redirects, and what became of the intent.

import { call } from "./calls.js";
import { missing } from "./missing.js";
import { intentOf, never, origin } from "./origin.js";

/** @typedef {import("./calls.js").Answer} Answer */

/** @param {string} key @param {unknown} clientSecret @returns {Promise<Answer>} */
export async function retrieve(key, clientSecret) {
  const { id, path } = intentOf(clientSecret);
  return call("GET", `${origin}/v1/${path}/${id}`, { key, client_secret: clientSecret });
}

/** As Stripe.js answers it. @param {import("./calls.js").IntentName} name @param {Answer} answer @returns {any} */
export const named = ({ result }, { found, error }) => (error ? { error } : { [result]: found });

/** Sees an intent through its next action, if it has one. @param {string} key @param {Answer} answer @returns {Promise<Answer>} */
export async function seeThrough(key, answer) {
  const action = answer.found?.status === "requires_action" ? answer.found.next_action : null;
  if (action?.type === "redirect_to_url") {
    location.assign(action.redirect_to_url.url);
    return never();
  }
  if (action?.type !== "use_stripe_sdk") return answer;
  await challenge(action.use_stripe_sdk.stripe_js);
  const after = await retrieve(key, answer.found.client_secret);
  const failed = after.found?.status === "requires_payment_method" ? after.found.last_payment_error ?? after.found.last_setup_error : null;
  return failed ? { error: { ...failed, [after.found.object]: after.found } } : after;
}

/** The next action of an intent that was confirmed elsewhere, say by the server. @param {string} key @param {{ clientSecret?: string, hashedValue?: string }} [asked] */
export async function handleNextAction(key, { clientSecret, hashedValue } = {}) {
  if (hashedValue !== undefined) return missing("stripe.handleNextAction() hashedValue");
  const name = intentOf(clientSecret);
  const answer = await retrieve(key, clientSecret);
  if (answer.found && answer.found.status !== "requires_action") {
    const kind = name.result === "paymentIntent" ? "PaymentIntent" : "SetupIntent";
    return { error: /** @type {import("@stripe/stripe-js").StripeError} */ ({ type: "invalid_request_error", message: `handleNextAction: The ${kind} supplied is not in the requires_action state.`, [answer.found.object]: answer.found }) };
  }
  return named(name, await seeThrough(key, answer));
}

/** The challenge in the page itself. @param {string} url @returns {Promise<void>} */
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
      if (event.source !== frame.contentWindow || event.data !== "authenticated") return;
      removeEventListener("message", heard);
      dialog.remove();
      resolve();
    });
  });
}

/** Where an intent that has ended sends the person. @param {string} returnUrl @param {any} intent */
export function goTo(returnUrl, intent) {
  const address = new URL(returnUrl);
  address.searchParams.set(intent.object, intent.id);
  address.searchParams.set(`${intent.object}_client_secret`, intent.client_secret ?? "");
  address.searchParams.set("redirect_status", "succeeded");
  location.assign(address);
  return never();
}
