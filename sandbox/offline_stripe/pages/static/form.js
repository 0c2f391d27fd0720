// The form inside an Element's frame: its fields, what is wrong with them as they are typed, and what the page hears.

import { addressValue, fitCountry } from "./address.js";
import { brandOf, digitsOf } from "./card.js";
import { defaultsOf, input, panelsOf, typed } from "./fields.js";
import { word } from "./words.js";

/** @typedef {import("./fields.js").Field} Field */
/** @typedef {{ type: "validation_error", code: string, message: string }} Wrong */

export const kind = document.documentElement.dataset.kind ?? "";
/** Kinds that show beside each field what is wrong with it; the others leave that to the page. */
const SHOWS_ERRORS = ["payment", "address", "linkAuthentication", "contactDetails"].includes(kind);
const touched = new Set();
/** @type {Map<string, Field[]>} */
let panels = new Map();
let chosen = "card";
let complete = false;
/** @type {(event: string, details?: object) => void} */
let tell = () => undefined;

export const method = () => chosen;
export const fields = () => (panels.get(chosen) ?? []).filter((field) => !(/** @type {HTMLElement | null} */ (document.querySelector(`.field.${field.id}`))?.hidden));

/** @param {Field} field @param {boolean} strictly */
function wrongWith(field, strictly) {
  const text = typed(field.id);
  const wrong = field.check(text);
  if (!wrong) return null;
  // Something unfinished is wrong once the person has gone on; something impossible is wrong at once.
  return strictly || (touched.has(field.id) && text !== "") || !wrong.startsWith("incomplete") ? wrong : null;
}

/** @returns {{ field: Field, wrong: Wrong } | null} */
export function validate(strictly = false) {
  /** @type {{ field: Field, wrong: Wrong } | null} */
  let first = null;
  for (const field of fields()) {
    const code = wrongWith(field, strictly);
    const place = document.getElementById(`${field.id}-error`);
    input(field.id)?.setAttribute("aria-invalid", String(code !== null));
    input(field.id)?.classList.toggle("Input--invalid", code !== null);
    input(field.id)?.classList.toggle("Input--empty", typed(field.id) === "");
    if (place) place.textContent = code && SHOWS_ERRORS ? word(code) : "";
    if (code) first ??= { field, wrong: { type: "validation_error", code, message: word(code) } };
  }
  resize();
  return first;
}

/** What the page hears of the value; card Elements have an error instead. */
function about(/** @type {Wrong | undefined} */ error) {
  switch (kind) {
    case "payment": return { collapsed: false, value: { type: chosen } };
    case "card": return { error, brand: brandOf(digitsOf(typed("number"))).brand, value: { postalCode: "" } };
    case "cardNumber": return { error, brand: brandOf(digitsOf(typed("number"))).brand };
    case "cardExpiry": case "cardCvc": case "iban": return { error };
    default: return value();
  }
}

/** The value that a page may read: of an address or an email. */
export function value() {
  const now = { complete, isNewAddress: true, value: kind === "address" ? addressValue() : { email: typed("email") } };
  return kind === "address" ? { ...now, elementMode: document.documentElement.dataset.mode } : now;
}

export function changed() {
  if (kind === "address") fitCountry();
  const first = validate();
  const shown = fields();
  complete = shown.every((field) => field.check(typed(field.id)) === null);
  const empty = shown.every((field) => field.choices || typed(field.id) === "");
  tell("change", { complete, empty, ...about(first?.wrong) });
}

/** @param {HTMLInputElement} box @param {Field} field */
function format(box, field) {
  if (!field.digits) return;
  const text = digitsOf(box.value).slice(0, field.digits);
  if (field.id === "number") box.value = text.slice(0, brandOf(text).length).replaceAll(/(.{4})(?=.)/g, "$1 ");
  else if (field.id === "expiry") box.value = text.length > 2 ? `${text.slice(0, 2)} / ${text.slice(2)}` : text;
  else box.value = text;
}

/** @param {Field} field */
function box(field) {
  if (field.choices) {
    const list = document.createElement("select");
    list.append(...field.choices.map(([code, label]) => new Option(label, code)));
    return list;
  }
  const made = document.createElement("input");
  Object.assign(made, { type: field.type ?? "text", placeholder: field.hint ?? "" });
  if (field.digits) made.inputMode = "numeric";
  return made;
}

/** @param {Field} field */
function build(field) {
  const made = box(field);
  Object.assign(made, { id: field.id, autocomplete: field.autocomplete, className: "Input" });
  made.setAttribute("aria-describedby", `${field.id}-error`);
  made.setAttribute("aria-required", String(!field.optional));
  made.addEventListener("input", () => { if (made instanceof HTMLInputElement) format(made, field); changed(); });
  made.addEventListener("focus", () => tell("focus"));
  made.addEventListener("blur", () => { if (made.value) touched.add(field.id); tell("blur"); changed(); });
  made.addEventListener("keydown", (event) => { if (/** @type {KeyboardEvent} */ (event).key === "Escape") tell("escape"); });
  const named = word(field.label ?? field.id);
  const label = document.createElement("label");
  Object.assign(label, { htmlFor: field.id, className: "Label", textContent: field.optional ? `${named} ${word("optional")}` : named });
  const error = document.createElement("p");
  Object.assign(error, { id: `${field.id}-error`, className: "Error" });
  error.setAttribute("role", "alert");
  const row = document.createElement("div");
  row.className = `field Field ${field.id}`;
  row.append(label, made, error);
  return row;
}

/** @param {string} name @param {HTMLElement} panel */
function buildTab(name, panel) {
  const tab = document.createElement("button");
  Object.assign(tab, { type: "button", textContent: word(name), id: `tab-${name}`, className: "Tab" });
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", panel.id);
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  tab.addEventListener("click", () => choose(name));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const names = [...panels.keys()];
    const other = names[(names.indexOf(name) + (event.key === "ArrowRight" ? 1 : names.length - 1)) % names.length] ?? name;
    choose(other);
    document.getElementById(`tab-${other}`)?.focus();
  });
  return tab;
}

/** Builds the form. What was typed in fields that stay is kept. @param {string[]} methods @param {Record<string, any>} options @param {typeof tell} told */
export function buildAll(methods, options, told) {
  tell = told;
  const form = /** @type {HTMLElement} */ (document.getElementById("fields"));
  const focused = document.activeElement?.id;
  const before = Object.fromEntries([...form.querySelectorAll("input, select")].map((old) => [old.id, /** @type {HTMLInputElement} */ (old).value]));
  panels = panelsOf(kind, methods, options);
  const tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.setAttribute("role", "tablist");
  tabs.setAttribute("aria-label", word("payment_method"));
  form.replaceChildren(...(panels.size > 1 ? [tabs] : []));
  for (const [name, ours] of panels) {
    const panel = document.createElement("div");
    Object.assign(panel, { className: "panel", id: `panel-${name}` });
    panel.append(...ours.map(build));
    form.append(panel);
    if (panels.size > 1) tabs.append(buildTab(name, panel));
  }
  for (const [id, text] of Object.entries({ ...defaultsOf(kind, options), ...before })) {
    const field = input(id);
    if (field && text) field.value = text;
  }
  setDisabled(options);
  choose(panels.has(chosen) ? chosen : [...panels.keys()][0] ?? "card");
  if (focused) document.getElementById(focused)?.focus();
}

/** @param {Record<string, any>} options */
function setDisabled({ disabled, readOnly, placeholder }) {
  for (const field of document.querySelectorAll("input, select")) /** @type {HTMLInputElement} */ (field).disabled = Boolean(disabled ?? readOnly);
  if (typeof placeholder === "string") for (const field of document.querySelectorAll("input")) field.placeholder = placeholder;
}

/** @param {string} name */
function choose(name) {
  chosen = name;
  for (const panel of document.querySelectorAll(".panel")) /** @type {HTMLElement} */ (panel).hidden = panel.id !== `panel-${name}`;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const ours = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(ours));
    tab.classList.toggle("Tab--selected", ours);
    /** @type {HTMLElement} */ (tab).tabIndex = ours ? 0 : -1;
  }
  changed();
}

export function resize() {
  tell("resize", { height: Math.ceil(document.documentElement.getBoundingClientRect().height) });
}

/** @returns {{ error?: Wrong, selectedPaymentMethod?: string }} */
export function submit() {
  for (const field of fields()) touched.add(field.id);
  const first = validate(true);
  if (!first) return kind === "payment" ? { selectedPaymentMethod: chosen } : {};
  input(first.field.id)?.focus();
  return { error: first.wrong };
}

export function clear() {
  for (const field of document.querySelectorAll("input")) field.value = "";
  touched.clear();
  changed();
}

export const focus = () => input(fields()[0]?.id ?? "")?.focus();
