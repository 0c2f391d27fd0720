// A customer's own page: pays several invoices one after another, and keeps the saved payment methods and tax ids.
// Each invoice has a PaymentIntent of its own, which succeeds once: whatever is clicked twice is paid once.

import { Refused, appearance, call, element, loadStripe, localized, pause } from "./service.js";
import { declined, text } from "./texts.js";

/** @typedef {import("@stripe/stripe-js").Stripe} Stripe */
/** @typedef {import("@stripe/stripe-js").StripeElements} StripeElements */
/** @typedef {import("@stripe/stripe-js").PaymentIntent} PaymentIntent */
/** @typedef {{ said: string, done: boolean }} Outcome */

const main = element("portal", HTMLElement);
const page = main.dataset;
const token = (page.address ?? "").split("/").pop() ?? "";
const message = element("message", HTMLElement);
const ME = "/v1/customers/me";
const here = `${location.origin}${page.address}`;
const LOST_PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const KNOWN_PAUSES_MS = [200, 400, 800, 1600, 3200, 6400];

/** @param {string} method @param {string} path @param {object} [body] */
const api = (method, path, body) => call(token, method, path, body);

/** @type {Promise<Stripe> | undefined} */
let loading;
/** @returns {Promise<Stripe>} */
const stripe = () => (loading ??= loadStripe(page.stripeJs ?? "").then((Stripe) => Stripe(page.publishableKey ?? "", localized(page.locale))));

/** Does `work` while nothing else can be clicked; what goes wrong is said on the page. @param {() => Promise<void>} work */
async function alone(work) {
  if (main.ariaBusy === "true") return;
  const controls = [...main.querySelectorAll("button, input, select")].filter((it) => !/** @type {HTMLButtonElement} */ (it).disabled);
  const switched = (/** @type {boolean} */ off) => controls.forEach((it) => (/** @type {HTMLButtonElement} */ (it).disabled = off));
  main.ariaBusy = "true";
  message.textContent = "";
  switched(true);
  try {
    await work();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return location.reload(); // the page says why it is over
    message.textContent = text("That did not work. Please reload this page and try again.");
  } finally {
    switched(false);
    main.ariaBusy = "false";
  }
}

/** @param {PaymentIntent | undefined} intent @returns {Outcome | undefined} where it is clear */
function outcomeOf(intent) {
  if (intent?.status === "succeeded") return { said: text("Paid"), done: true };
  if (intent?.status === "processing") return { said: text("Your payment is on its way"), done: true };
  return undefined;
}

/** Pays one invoice by its own PaymentIntent. @param {string} invoice @param {string} method @returns {Promise<Outcome>} */
async function pay(invoice, method) {
  const { client_secret: clientSecret } = await api("GET", `/v1/invoices/${invoice}/client-secret`);
  const { confirmPayment, retrievePaymentIntent } = await stripe();
  const { error, paymentIntent } = await confirmPayment({ clientSecret, confirmParams: { payment_method: method, return_url: here }, redirect: "if_required" });
  const paid = outcomeOf(paymentIntent);
  if (paid) return paid;
  const lost = error?.type === "api_connection_error" || error?.type === "api_error";
  if (!lost && error?.code !== "payment_intent_unexpected_state") return { said: declined(error), done: false };
  for (const ms of LOST_PAUSES_MS) {
    const { paymentIntent: found } = await retrievePaymentIntent(clientSecret);
    const outcome = outcomeOf(found);
    if (outcome) return outcome;
    if (found && !lost) return { said: declined(error), done: false };
    if (found) return { said: text("The connection was lost before anything was charged. Please try again."), done: false };
    await pause(ms);
  }
  return { said: text("The connection was lost and we cannot tell yet whether your payment went through. Please do not pay again: reload this page once you are online."), done: false };
}

const boxes = () => /** @type {HTMLInputElement[]} */ ([...main.querySelectorAll("input[name=invoice]")]);
const chosen = () => boxes().filter((box) => box.checked);

/** One after another; what comes behind one that failed is not tried. */
async function paySelected() {
  const method = /** @type {HTMLInputElement | null} */ (main.querySelector("input[name=method]:checked"))?.value;
  const selected = chosen();
  if (!selected.length || !method) return void (message.textContent = selected.length ? text("Please add a payment method first.") : text("Please select an invoice."));
  for (const box of selected) {
    const cell = element(`said-${box.value}`, HTMLElement);
    cell.textContent = text("Paying …");
    /** @type {Outcome} */
    const { said, done } = await pay(box.value, method).catch((error) => {
      if (!(error instanceof Refused) || error.code !== "invalid_state") throw error;
      return { said: text("This invoice is no longer open."), done: true };
    });
    cell.textContent = said;
    if (!done) return void (message.textContent = text("A payment did not go through; the invoices after it were not tried."));
    box.checked = false;
    box.dataset.done = "true";
  }
  message.textContent = text("Thank you. All selected invoices are paid or on their way.");
}

function total() {
  const button = document.getElementById("pay");
  const [first] = chosen();
  if (!button) return;
  if (!first) return void (button.textContent = text("Pay the selected invoices"));
  const { currency, places } = first.dataset;
  const same = chosen().every((box) => box.dataset.currency === currency);
  const sum = chosen().reduce((all, box) => all + Number(box.dataset.amount), 0);
  const digits = { minimumFractionDigits: Number(places), maximumFractionDigits: Number(places) };
  const amount = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, ...digits }).format(sum / 10 ** Number(places));
  button.textContent = same ? text("Pay %(amount)s", { amount }) : text("Pay the selected invoices");
}

/** @type {StripeElements | undefined} */
let adding;

async function begin() {
  const { client_secret: clientSecret } = await api("POST", `${ME}/setup-intent`, {});
  adding = (await stripe()).elements({ clientSecret, appearance: appearance(JSON.parse(page.appearance ?? "{}")) });
  adding.create("payment").mount("#element");
  element("adding", HTMLElement).hidden = false;
  element("add", HTMLElement).hidden = true;
}

async function save() {
  if (!adding) return;
  const { error: incomplete } = await adding.submit();
  if (incomplete) return;
  const { error, setupIntent } = await (await stripe()).confirmSetup({ elements: adding, confirmParams: { return_url: here }, redirect: "if_required" });
  if (error) return void (message.textContent = declined(error));
  for (const ms of KNOWN_PAUSES_MS) {
    const { data } = await api("GET", `${ME}/payment-methods?limit=100`);
    if (data.some((/** @type {{ id: string }} */ method) => method.id === setupIntent?.payment_method)) break;
    await pause(ms); // Stripe's event is on its way
  }
  location.reload();
}

async function addTaxId() {
  const [type, value] = [element("type", HTMLSelectElement).value, element("value", HTMLInputElement).value.trim()];
  try {
    await api("POST", `${ME}/tax-ids`, { type, value });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 422) throw error;
    return void (message.textContent = text("This number is not valid for this type."));
  }
  location.reload();
}

/** What a button with data-call does: one call, then the page anew. @param {HTMLButtonElement} button */
async function once({ dataset }) {
  const [method = "", path = ""] = (dataset.call ?? "").split(" ");
  await api(method, `${ME}/${path}`);
  location.reload();
}

main.addEventListener("change", total);
main.addEventListener("click", ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  if (target.id === "add") void alone(begin);
  if (target.dataset.call) void alone(() => once(target));
});
main.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  void alone({ adding: save, tax: addTaxId }[form.id] ?? paySelected).then(() => boxes().forEach((box) => (box.disabled = box.dataset.done === "true"))).then(total);
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
// What Stripe adds to the address when it sends somebody back holds a secret.
if (location.search.includes("client_secret")) history.replaceState(null, "", location.pathname);
total();
