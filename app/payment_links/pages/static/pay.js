// The payment form: Stripe's Element on the page, one payment at a time, and the message when it fails.
// Card data never comes here: it stays in Stripe's frame.

import { offerParts } from "./parts.js";
import { Refused, appearance, awaitsTransfer, color, element, loadStripe, localized, pause, session } from "./service.js";
import { declined, text } from "./texts.js";

/** @typedef {import("@stripe/stripe-js").Stripe} Stripe */
/** @typedef {import("@stripe/stripe-js").StripeError} StripeError */
/** @typedef {import("@stripe/stripe-js").PaymentIntent} PaymentIntent */
/** @typedef {import("./service.js").Session} Session */
/** @typedef {{ error?: StripeError, paymentIntent?: PaymentIntent }} Outcome */
/** `confirm` confirms the payment with what the person typed. @typedef {{ confirm: () => Promise<Outcome>, unmount: () => void }} Mounted */

const page = element("form", HTMLFormElement).closest("main")?.dataset ?? {};
const address = page.address ?? "";
const form = element("form", HTMLFormElement);
const button = element("pay", HTMLButtonElement);
const problem = element("problem", HTMLElement);
const progress = element("progress", HTMLElement);
const elsewhere = document.getElementById("elsewhere");
const parts = document.getElementById("parts");

const LOST_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 8000];
const complete = `${location.origin}${address}/complete`;

/** Where a payment that is under way is followed to its end. @param {PaymentIntent} intent */
function follow(intent) {
  const query = new URLSearchParams({ payment_intent: intent.id });
  if (intent.client_secret) query.set("payment_intent_client_secret", intent.client_secret);
  location.replace(`${complete}?${query}`);
}

/** @param {string} problemSaid */
function say(problemSaid) {
  problem.textContent = problemSaid;
  if (problemSaid) problem.focus();
}

/** While something is under way, nothing else is chosen. @param {boolean} busy @param {string} [said] */
function working(busy, said = "") {
  button.disabled = busy;
  parts?.toggleAttribute("disabled", busy);
  form.setAttribute("aria-busy", String(busy));
  progress.textContent = said;
}

/** @param {Stripe} stripe @param {Session} found */
async function mountPayment(stripe, found) {
  const elements = stripe.elements({ clientSecret: found.client_secret, appearance: appearance(found.appearance) });
  const payment = elements.create("payment", { layout: "tabs" });
  await shown((ready, failed) => {
    payment.on("ready", ready);
    payment.on("loaderror", ({ error }) => failed(error));
    payment.mount("#element");
  });
  const confirm = async () => {
    const { error } = await elements.submit();
    if (error) return { error };
    return stripe.confirmPayment({ elements, confirmParams: { return_url: complete } });
  };
  return { confirm, unmount: () => payment.destroy() };
}

/** @param {Stripe} stripe @param {Session} found */
async function mountCard(stripe, found) {
  const base = { color: color("--ink"), fontSize: "16px", "::placeholder": { color: color("--soft") } };
  const card = stripe.elements().create("card", { style: { base, invalid: { color: color("--bad") } } });
  card.on("change", ({ error }) => { problem.textContent = error ? declined(error) : ""; });
  card.on("focus", () => element("element", HTMLElement).classList.add("focused"));
  card.on("blur", () => element("element", HTMLElement).classList.remove("focused"));
  await shown((ready) => {
    card.on("ready", ready);
    card.mount("#element");
  });
  const confirm = () => stripe.confirmCardPayment(found.client_secret, { payment_method: { card } });
  return { confirm, unmount: () => card.destroy() };
}

/** @param {(ready: () => void, failed: (error: unknown) => void) => void} start @returns {Promise<void>} */
const shown = (start) => new Promise((resolve, reject) => start(() => resolve(), reject));

/**
 * It is not clear what became of the payment, say because the connection broke: find out before anything else is offered.
 * @param {Stripe} stripe @param {Session} found @param {string} [reason] what Stripe said, if it said something
 */
async function findOut(stripe, found, reason) {
  say(reason ?? "");
  working(true, reason ? text("Checking whether your payment went through …") : text("The connection was lost. Checking whether your payment went through …"));
  for (const ms of LOST_PAUSES_MS) {
    await pause(ms);
    const { paymentIntent } = await stripe.retrievePaymentIntent(found.client_secret);
    if (!paymentIntent) continue;
    if (underWay(paymentIntent)) return follow(paymentIntent);
    if (paymentIntent.status === "canceled") return location.reload();
    working(false);
    return say(paymentIntent.last_payment_error ? declined(paymentIntent.last_payment_error) : reason ?? text("The connection was lost before anything was charged. Please try again."));
  }
  working(true);
  say(text("The connection was lost and we cannot tell yet whether your payment went through. Please do not pay again: reload this page once you are online."));
}

/** @param {PaymentIntent} intent */
const underWay = (intent) => intent.status === "succeeded" || intent.status === "processing";

/** @param {StripeError} error */
const lost = (error) => error.type === "api_connection_error" || error.type === "api_error";

/** @param {Stripe} stripe @param {Session} found @param {() => Promise<Outcome>} confirm */
async function pay(stripe, found, confirm) {
  if (button.disabled) return;
  say("");
  working(true, text("Paying … please keep this page open."));
  const { error, paymentIntent } = await confirm();
  if (paymentIntent) return follow(paymentIntent);
  if (error && lost(error)) return findOut(stripe, found);
  // It was paid or canceled elsewhere, say in another tab or by the invoice's sender.
  if (error?.code === "payment_intent_unexpected_state") return findOut(stripe, found, declined(error));
  working(false);
  // What is wrong with a field is said beside the field already.
  say(error?.type === "validation_error" ? "" : declined(error));
}

/** @param {string} said */
function giveUp(said) {
  progress.textContent = "";
  element("element", HTMLElement).hidden = true;
  button.hidden = true;
  say(said);
  if (elsewhere) elsewhere.hidden = false;
}

async function start() {
  if (page.stripeJs === undefined) throw new Error("the page does not say where Stripe.js is");
  const [Stripe, found] = await Promise.all([loadStripe(page.stripeJs), session(address)]);
  const stripe = Stripe(found.publishable_key, localized(page.locale));
  const { paymentIntent } = await stripe.retrievePaymentIntent(found.client_secret);
  if (paymentIntent && underWay(paymentIntent)) return follow(paymentIntent);
  if (paymentIntent && awaitsTransfer(paymentIntent) && !page.anotherWay) return location.replace(`${address}?transfer`);
  await offer(stripe, found);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (offered) void pay(stripe, offered.found, offered.confirm);
  });
  const whole = button.textContent;
  offerParts({
    address,
    whole: () => offer(stripe, found, whole),
    some: (part, amount) => offer(stripe, part, text("Pay %(amount)s", { amount })),
    choosing: withdraw,
    working,
    say,
    ended: (refused) => leave(refused),
  });
}

/** What the button pays. @type {Mounted & { found: Session } | undefined} */
let offered;
/** Counts what the person chose: a form that is ready late is not shown any more. */
let choices = 0;

/** There is nothing to pay with until something is chosen. */
function withdraw() {
  choices += 1;
  offered?.unmount();
  offered = undefined;
  working(true);
  parts?.removeAttribute("disabled");
}

/** @param {Stripe} stripe @param {Session} found @param {string} [label] of the button; as it is otherwise */
async function offer(stripe, found, label = button.textContent) {
  const choice = choices;
  const mounted = await (page.element === "card" ? mountCard : mountPayment)(stripe, found);
  if (choice !== choices) return mounted.unmount();
  offered = { found, ...mounted };
  button.textContent = label;
  working(false);
}

/** Leaves the page where the invoice is not to be paid any more, or the link opens nothing. @param {Refused} refused */
function leave(refused) {
  if (refused.code === "invalid_state") location.replace(complete);
  else if (refused.gone) location.reload();
  return refused.code === "invalid_state" || refused.gone;
}

// A page the browser kept when the person went on may show a form for what has been paid since.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

start().catch((error) => {
  if (!(error instanceof Refused && leave(error))) giveUp(text("The payment form could not be loaded. Please reload this page in a moment."));
});
