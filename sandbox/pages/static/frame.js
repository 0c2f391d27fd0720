// Inside an Element's frame: the fields, what is wrong with them as they are typed, and the confirmation itself.
// What is typed here is sent to the API of this origin and to nobody else.

/** @typedef {import("@stripe/stripe-js").Appearance} Appearance */
/** @typedef {"card" | "us_bank_account"} Method */
/** @typedef {{ id: string, label: string, method: Method, autocomplete: string, digits: number, hint: string, numeric: boolean, check: (text: string) => [code: string, message: string] | null }} Field */

const kind = document.documentElement.dataset.kind;
const digitsOf = (/** @type {string} */ text) => text.replaceAll(/\D/g, "");
const CONNECTION = "We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.";

/** @param {string} number */
function passesLuhn(number) {
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = index % 2 ? Number(digit) * 2 : Number(digit);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** @param {string} number */
function brandOf(number) {
  const brands = /** @type {[RegExp, string, number][]} */ ([
    [/^4/, "visa", 16], [/^(5[1-5]|2[2-7])/, "mastercard", 16], [/^3[47]/, "amex", 15],
    [/^(6011|65|64[4-9])/, "discover", 16], [/^(30[0-5]|36|38)/, "diners", 14], [/^35/, "jcb", 16],
  ]);
  return brands.find(([start]) => start.test(number)) ?? [/^/, "unknown", 16];
}

/** @param {string} text */
function checkExpiry(text) {
  const typed = digitsOf(text);
  if (typed.length < 4) return ["incomplete_expiry", "Your card’s expiration date is incomplete."];
  const [month, year] = [Number(typed.slice(0, 2)), 2000 + Number(typed.slice(2))];
  if (month < 1 || month > 12) return ["invalid_expiry_month", "Your card’s expiration date is invalid."];
  const now = new Date();
  if (year < now.getFullYear()) return ["invalid_expiry_year_past", "Your card’s expiration year is in the past."];
  if (year === now.getFullYear() && month < now.getMonth() + 1) return ["invalid_expiry_month_past", "Your card’s expiration date is in the past."];
  return null;
}

/** @type {Field[]} */
const FIELDS = [
  { id: "number", label: "Card number", method: "card", autocomplete: "cc-number", digits: 19, hint: "1234 1234 1234 1234", numeric: true, check(text) {
    const typed = digitsOf(text);
    if (typed.length < brandOf(typed)[2]) return ["incomplete_number", "Your card number is incomplete."];
    return passesLuhn(typed) ? null : ["invalid_number", "Your card number is invalid."];
  } },
  { id: "expiry", label: "Expiration date", method: "card", autocomplete: "cc-exp", digits: 4, hint: "MM / YY", numeric: true, check: (text) => /** @type {[string, string] | null} */ (checkExpiry(text)) },
  { id: "cvc", label: "Security code", method: "card", autocomplete: "cc-csc", digits: 4, hint: "CVC", numeric: true, check(text) {
    const wanted = brandOf(digitsOf(input("number").value))[1] === "amex" ? 4 : 3;
    return digitsOf(text).length < wanted ? ["incomplete_cvc", "Your card’s security code is incomplete."] : null;
  } },
  { id: "name", label: "Full name", method: "us_bank_account", autocomplete: "name", digits: 0, hint: "", numeric: false, check: (text) => (text.trim() ? null : ["incomplete_name", "Please provide your full name."]) },
  { id: "routing", label: "Routing number", method: "us_bank_account", autocomplete: "off", digits: 9, hint: "110000000", numeric: true, check: (text) => (digitsOf(text).length === 9 ? null : ["incomplete_routing_number", "Your routing number is incomplete."]) },
  { id: "account", label: "Account number", method: "us_bank_account", autocomplete: "off", digits: 17, hint: "000123456789", numeric: true, check: (text) => (digitsOf(text).length >= 5 ? null : ["incomplete_account_number", "Your account number is incomplete."]) },
];
const LABELS = { card: "Card", us_bank_account: "US bank account" };

/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/** @type {MessagePort} */
let port;
/** @type {{ key: string, clientSecret?: string, appearance: Appearance, options: { style?: { base?: { color?: string, fontSize?: string, "::placeholder"?: { color?: string } }, invalid?: { color?: string } }, disabled?: boolean } }} */
let setup;
/** @type {Method} */
let method = "card";
const touched = new Set();

/** @param {string} event @param {object} [details] */
const tell = (event, details = {}) => port.postMessage({ event, details });
const fields = () => FIELDS.filter((field) => field.method === method);

/** @param {Field} field @param {boolean} strictly @returns {[code: string, message: string] | null} */
function wrongWith(field, strictly) {
  const text = input(field.id).value;
  const wrong = field.check(text);
  if (!wrong) return null;
  // Something unfinished is wrong once the person has gone on; something impossible is wrong at once.
  return strictly || (touched.has(field.id) && text !== "") || !wrong[0].startsWith("incomplete") ? wrong : null;
}

/** @param {boolean} [strictly] */
function validate(strictly = false) {
  const wrong = fields().map((field) => ({ field, wrong: wrongWith(field, strictly) }));
  for (const { field, wrong: said } of wrong) {
    const place = document.getElementById(`${field.id}-error`);
    input(field.id).setAttribute("aria-invalid", String(said !== null));
    if (place) place.textContent = kind === "payment" ? said?.[1] ?? "" : "";
  }
  resize();
  return wrong.find(({ wrong: said }) => said) ?? null;
}

function changed() {
  const first = validate();
  const texts = fields().map((field) => input(field.id).value);
  const complete = fields().every((field) => field.check(input(field.id).value) === null);
  const error = first?.wrong ? { type: "validation_error", code: first.wrong[0], message: first.wrong[1] } : undefined;
  const empty = texts.every((text) => text === "");
  const about = kind === "card" ? { error, brand: brandOf(digitsOf(input("number").value))[1], value: { postalCode: "" } } : { collapsed: false, value: { type: method } };
  tell("change", { complete, empty, ...about });
}

/** @param {HTMLInputElement} box @param {Field} field */
function format(box, field) {
  if (!field.numeric) return;
  const typed = digitsOf(box.value).slice(0, field.digits);
  if (field.id === "number") box.value = typed.slice(0, brandOf(typed)[2]).replaceAll(/(.{4})(?=.)/g, "$1 ");
  else if (field.id === "expiry") box.value = typed.length > 2 ? `${typed.slice(0, 2)} / ${typed.slice(2)}` : typed;
  else box.value = typed;
}

/** @param {Field} field */
function build(field) {
  const box = document.createElement("input");
  Object.assign(box, { id: field.id, type: "text", autocomplete: field.autocomplete, placeholder: field.hint });
  if (field.numeric) box.inputMode = "numeric";
  box.setAttribute("aria-describedby", `${field.id}-error`);
  box.setAttribute("aria-required", "true");
  box.addEventListener("input", () => { format(box, field); changed(); });
  box.addEventListener("focus", () => tell("focus"));
  box.addEventListener("blur", () => { if (box.value) touched.add(field.id); tell("blur"); changed(); });
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") tell("escape"); });
  const label = document.createElement("label");
  Object.assign(label, { htmlFor: field.id, textContent: field.label });
  const error = document.createElement("p");
  Object.assign(error, { id: `${field.id}-error`, className: "error" });
  error.setAttribute("role", "alert");
  const row = document.createElement("div");
  row.className = `field ${field.id}`;
  row.append(label, box, error);
  return row;
}

/** @param {Method[]} methods */
function buildAll(methods) {
  const form = /** @type {HTMLElement} */ (document.getElementById("fields"));
  const tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.setAttribute("role", "tablist");
  tabs.setAttribute("aria-label", "Payment method");
  form.replaceChildren(...(methods.length > 1 ? [tabs] : []));
  for (const one of methods) {
    const panel = document.createElement("div");
    Object.assign(panel, { className: "panel", id: `panel-${one}` });
    panel.append(...FIELDS.filter((field) => field.method === one).map(build));
    form.append(panel);
    if (methods.length > 1) {
      const tab = document.createElement("button");
      Object.assign(tab, { type: "button", textContent: LABELS[one], id: `tab-${one}` });
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(one));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
        const other = methods[(methods.indexOf(one) + (event.key === "ArrowRight" ? 1 : methods.length - 1)) % methods.length] ?? one;
        choose(other);
        document.getElementById(`tab-${other}`)?.focus();
      });
      tabs.append(tab);
    }
  }
  choose(methods[0] ?? "card");
}

/** @param {Method} chosen */
function choose(chosen) {
  method = chosen;
  for (const panel of document.querySelectorAll(".panel")) /** @type {HTMLElement} */ (panel).hidden = panel.id !== `panel-${chosen}`;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const ours = tab.id === `tab-${chosen}`;
    tab.setAttribute("aria-selected", String(ours));
    /** @type {HTMLElement} */ (tab).tabIndex = ours ? 0 : -1;
  }
  changed();
}

function resize() {
  tell("resize", { height: Math.ceil(document.documentElement.getBoundingClientRect().height) });
}

/** @param {Appearance} appearance */
function wear(appearance) {
  const root = document.documentElement;
  root.dataset.theme = appearance.theme ?? "stripe";
  const known = { colorPrimary: "--primary", colorBackground: "--background", colorText: "--text", colorDanger: "--danger", borderRadius: "--radius", fontFamily: "--font", fontSizeBase: "--size" };
  for (const [name, property] of Object.entries(known)) {
    const value = /** @type {Record<string, string | undefined>} */ (appearance.variables ?? {})[name];
    if (value) root.style.setProperty(property, value);
  }
  const { base = {}, invalid = {} } = setup.options.style ?? {};
  if (base.color) root.style.setProperty("--text", base.color);
  if (base["::placeholder"]?.color) root.style.setProperty("--soft", base["::placeholder"].color);
  if (base.fontSize) root.style.setProperty("--size", base.fontSize);
  if (invalid.color) root.style.setProperty("--danger", invalid.color);
}

/** @param {{ billingDetails?: { name?: string } }} asked @returns {Record<string, string>} */
function methodData({ billingDetails }) {
  const of = (/** @type {string} */ name) => `payment_method_data[${name}]`;
  const name = method === "us_bank_account" ? input("name").value : billingDetails?.name;
  const named = name ? { [of("billing_details][name")]: name } : {};
  if (method === "us_bank_account") {
    return { [of("type")]: method, [of("us_bank_account][account_number")]: digitsOf(input("account").value), [of("us_bank_account][routing_number")]: digitsOf(input("routing").value), [of("us_bank_account][account_holder_type")]: "individual", ...named };
  }
  const expiry = digitsOf(input("expiry").value);
  return { [of("type")]: method, [of("card][number")]: digitsOf(input("number").value), [of("card][exp_month")]: expiry.slice(0, 2), [of("card][exp_year")]: expiry.slice(2), [of("card][cvc")]: digitsOf(input("cvc").value), ...named };
}

/** @param {{ clientSecret: string, returnUrl?: string, useStripeSdk?: boolean, billingDetails?: { name?: string } }} asked */
async function confirm(asked) {
  const said = submit();
  if (said.error) return said;
  const id = asked.clientSecret.split("_secret_")[0];
  const body = new URLSearchParams({ key: setup.key, client_secret: asked.clientSecret, expected_payment_method_type: method, ...methodData(asked) });
  if (asked.returnUrl) body.set("return_url", asked.returnUrl);
  if (asked.useStripeSdk) body.set("use_stripe_sdk", "true");
  try {
    const answer = await fetch(`/v1/payment_intents/${id}/confirm`, { method: "POST", body });
    const found = await answer.json();
    return answer.ok ? { paymentIntent: found } : { error: found.error };
  } catch {
    return { error: { type: "api_connection_error", message: CONNECTION } };
  }
}

/** @returns {{ error?: { type: string, code: string, message: string }, selectedPaymentMethod?: string }} */
function submit() {
  for (const field of fields()) touched.add(field.id);
  const first = validate(true);
  if (!first?.wrong) return { selectedPaymentMethod: method };
  input(first.field.id).focus();
  return { error: { type: "validation_error", code: first.wrong[0], message: first.wrong[1] } };
}

function clear() {
  for (const field of FIELDS) if (input(field.id)) input(field.id).value = "";
  touched.clear();
  changed();
}

/** @type {Record<string, (details: any) => unknown>} */
const ANSWERS = {
  submit, confirm, clear,
  focus: () => input(fields()[0]?.id ?? "number").focus(),
  blur: () => /** @type {HTMLElement | null} */ (document.activeElement)?.blur(),
  appearance: (appearance) => wear(appearance),
  update: (options) => { for (const box of document.querySelectorAll("input")) box.disabled = Boolean(options.disabled); },
};

/** @returns {Promise<Method[]>} */
async function methodsOf() {
  if (kind === "card" || !setup.clientSecret) return ["card"];
  const id = setup.clientSecret.split("_secret_")[0];
  const answer = await fetch(`/v1/payment_intents/${id}?${new URLSearchParams({ key: setup.key, client_secret: setup.clientSecret })}`);
  const found = await answer.json();
  if (!answer.ok) throw found.error;
  return found.payment_method_types.filter((/** @type {string} */ type) => type in LABELS);
}

async function start() {
  wear(setup.appearance);
  try {
    buildAll(await methodsOf());
  } catch (error) {
    tell("loaderror", { error: error instanceof Error ? { type: "api_connection_error", message: CONNECTION } : error });
    return;
  }
  new ResizeObserver(resize).observe(document.documentElement);
  resize();
  tell("ready");
}

addEventListener("message", (event) => {
  if (event.source !== parent || !event.data?.setup || !event.ports[0]) return;
  setup = event.data.setup;
  port = event.ports[0];
  port.onmessage = async ({ data }) => port.postMessage({ reply: data.number, answer: await ANSWERS[data.question]?.(data.details) });
  void start();
}, { once: true });

export {};
