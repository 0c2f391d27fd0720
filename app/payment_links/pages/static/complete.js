// The page after a payment. It shows what Stripe says at once, then the invoice until it is fulfilled, without a reload.

import { Changes, Refused, TRANSFER, askStripe, awaitsTransfer, element, loadStripe, localized, status } from "./service.js";
import { showPayment } from "./receipt.js";
import { declined, money, text } from "./texts.js";

/** @typedef {import("@stripe/stripe-js").PaymentIntent} PaymentIntent */
/** @typedef {import("./service.js").Status} Status */
/** @typedef {"confirming" | "processing" | "failed" | "fulfilled" | "canceled" | "written_off" | "waiting" | "part"} View */

const outcome = element("outcome", HTMLElement);
const again = element("again", HTMLElement);
const more = element("rest", HTMLElement);
const back = document.getElementById("back");
const page = outcome.closest("main")?.dataset ?? {};
const address = page.address ?? "";

// What the service knows of a failure beside its codes is in English.
const english = document.documentElement.lang.startsWith("en");

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 10_000;
const LATE_MS = 3_000;
const PATIENCE_MS = 30 * 60_000;

/** @type {Record<View, [title: string, text: string]>} */
const SAYS = {
  confirming: [text("Payment received"), text("We are confirming it now.")],
  processing: [text("Your payment is on its way"), text("Your bank needs some time, up to a few business days. You can close this page: nothing more is needed from you.")],
  failed: [text("The payment did not go through"), text("You can try again, also with another payment method.")],
  fulfilled: [text("Thank you, this invoice is paid"), text("Your payment arrived and is confirmed.")],
  canceled: [text("This invoice was canceled"), text("Nothing is owed.")],
  written_off: [text("This invoice can no longer be paid here"), text("Please contact its sender if you would like to settle it.")],
  part: [text("Thank you, this payment arrived"), text("The rest of the invoice is still to be paid. You can pay it now or later.")],
  waiting: [text("No payment has arrived yet"), text("If you have just paid, please keep this page open. Otherwise you can pay now.")],
};
// Whatever became of the money later, the payment arrived.
const BEGUN = ["fulfilled", "disputed", "reversed"];
/** @type {View[]} */
const FINAL = ["fulfilled", "canceled", "written_off"];
/** The person has done all that is to be done now. @type {View[]} */
const AFTER = ["fulfilled", "processing", "part"];

/** @param {View} view @param {string} [reason] */
function show(view, reason) {
  const [title, rest] = SAYS[view];
  const [heading, paragraph] = [outcome.querySelector("h2"), outcome.querySelector("p")];
  if (!heading || !paragraph || (outcome.dataset.view === view && !reason)) return;
  outcome.dataset.view = view;
  const said = reason ?? rest;
  if (heading.textContent !== title) heading.textContent = title;
  if (paragraph.textContent !== said) paragraph.textContent = said;
  document.title = title;
  again.hidden = view !== "failed" && view !== "waiting";
  more.hidden = view !== "part";
  if (back) back.hidden = !AFTER.includes(view);
  if (view === "fulfilled") void showPayment();
}

/** Writes what is left to pay where the page shows what is owed. @param {Status} now */
function left({ status, amount_remaining, currency }) {
  const owed = document.querySelector(".owed [data-decimals]");
  if (!(owed instanceof HTMLElement) || status !== "open") return;
  owed.textContent = money(amount_remaining, currency.toUpperCase(), Number(owed.dataset.decimals));
}

/** What the PaymentIntent of this invoice says, as Stripe.js tells it. @returns {Promise<PaymentIntent | undefined>} */
async function intentOfReturn() {
  const secret = new URLSearchParams(location.search).get("payment_intent_client_secret");
  if (!secret || !page.stripeJs || !page.publishableKey) return undefined;
  // The secret has been read; it shall not stay where it can be copied from.
  history.replaceState(null, "", location.pathname);
  const Stripe = await loadStripe(page.stripeJs);
  const { paymentIntent } = await Stripe(page.publishableKey, localized(page.locale)).retrievePaymentIntent(secret);
  return paymentIntent?.status === "canceled" ? undefined : paymentIntent; // a part that was called off: the invoice is not
}

/** The PaymentIntent that the person comes back from. */
const returned = new URLSearchParams(location.search).get("payment_intent");

/** @param {Status} now @param {PaymentIntent | undefined} intent @returns {[View, string?]} */
function viewOf(now, intent) {
  const begun = BEGUN.includes(now.fulfillment?.status ?? "none");
  if (now.status === "paid") return [begun ? "fulfilled" : "confirming"];
  if (now.status === "void") return ["canceled"];
  if (now.status === "uncollectible") return ["written_off"];
  if (returned && now.paid.includes(returned)) return ["part"];
  if (intent) return viewOfIntent(intent);
  if (now.under_way) return ["processing"];
  const failure = now.fulfillment?.failure ?? undefined;
  if (now.fulfillment?.status === "payment_failed") return ["failed", declined(english ? failure : { ...failure, message: null })];
  return [now.paid.length ? "part" : "waiting"];
}

/** @param {PaymentIntent} intent @returns {[View, string?]} */
function viewOfIntent(intent) {
  if (intent.status === "succeeded") return ["confirming"];
  if (intent.status === "processing") return ["processing"];
  return ["failed", declined(intent.last_payment_error ?? undefined)];
}

async function follow() {
  const since = Date.now();
  const changes = new Changes(address);
  let intent = await intentOfReturn().catch(() => undefined);
  /** @type {string | undefined} */
  let first;
  let asked = false;
  for (let ms = FIRST_PAUSE_MS; Date.now() - since < PATIENCE_MS; ms = Math.min(ms * 1.5, LONGEST_PAUSE_MS)) {
    try {
      /** @type {boolean} */
      const late = !asked && Date.now() - since > LATE_MS;
      /** @type {Status} */
      const now = await (late ? askStripe(address) : status(address));
      asked ||= late;
      const said = now.fulfillment?.status ?? "none";
      first ??= said;
      // Once the service has heard more than it knew at first, its word is the newer one.
      if (asked || said !== first) intent = undefined;
      const transfers = now.fulfillment?.required_action === TRANSFER || (intent && awaitsTransfer(intent));
      if (now.status === "open" && transfers) return location.replace(`${address}?transfer`);
      const [view, reason] = viewOf(now, intent);
      show(view, reason);
      left(now);
      if (FINAL.includes(view)) break;
    } catch (error) {
      // A link that was revoked or has run out says so when the page is loaded again; anything else may pass.
      if (error instanceof Refused && error.gone) return location.reload();
    }
    if (await changes.next(ms)) ms = FIRST_PAUSE_MS;
  }
  changes.close();
}

void follow();
