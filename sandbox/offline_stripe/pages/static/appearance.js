// How an Element looks: Stripe's theme, variables and rules, and the `style` of card Elements.

import { checkOptions } from "./missing.js";

/** @typedef {Record<string, any>} Options */

/** Stripe's variables, and the properties in `frame.css` that follow them. @type {Record<string, string>} */
const VARIABLES = {
  accessibleColorOnColorPrimary: "--on-primary", borderRadius: "--radius", colorBackground: "--background", colorDanger: "--danger", colorPrimary: "--primary",
  colorText: "--text", colorTextPlaceholder: "--placeholder", colorTextSecondary: "--soft", focusBoxShadow: "--focus-shadow", focusOutline: "--focus-outline",
  fontFamily: "--font", fontLineHeight: "--line-height", fontSizeBase: "--size", fontSizeSm: "--size-small", fontWeightMedium: "--weight-medium",
  fontWeightNormal: "--weight", gridColumnSpacing: "--column-gap", gridRowSpacing: "--row-gap", inputBoxShadow: "--input-shadow", inputColorBorder: "--line",
  labelColorText: "--label", labelFontSize: "--label-size", labelFontWeight: "--label-weight", labelSpacing: "--label-gap", spacingGridColumn: "--column-gap",
  spacingGridRow: "--row-gap", spacingTab: "--tab-gap", spacingUnit: "--unit", tabSpacing: "--tab-gap",
};
/** Rules may name these classes, with a state and a pseudo-class. */
const SELECTOR = /^\.(Input|Label|Tab|TabLabel|Error|Field)(--(selected|invalid|empty))?(:{1,2}[a-z-]+)?$/;
/** What a card Element's `style` sets. @type {Record<string, string>} */
const STYLES = { color: "--text", fontFamily: "--font", fontSize: "--size", fontWeight: "--weight", lineHeight: "--line-height" };

const rules = new CSSStyleSheet();
document.adoptedStyleSheets = [rules];

/** @param {string} name */
const hyphenated = (name) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @param {string} selector @param {Record<string, string>} properties */
function addRule(selector, properties) {
  const index = rules.insertRule(`${selector} {}`, rules.cssRules.length);
  const { style } = /** @type {CSSStyleRule} */ (rules.cssRules[index]);
  for (const [name, value] of Object.entries(properties)) style.setProperty(hyphenated(name), String(value), "important");
}

/** Puts an appearance on. What was worn before is taken off. @param {Options} [appearance] @param {Options} [style] */
export function wear(appearance = {}, style = {}) {
  const root = document.documentElement;
  const { theme, variables = {}, rules: wanted = {}, labels, inputs, disableAnimations, ...others } = appearance;
  root.removeAttribute("style");
  root.dataset.theme = theme ?? "stripe";
  root.dataset.inputs = inputs ?? "spaced";
  checkOptions("appearance", { ...others, ...(labels === "floating" ? { "labels: floating": true } : {}) }, []);
  checkOptions("appearance.variables", variables, Object.keys(VARIABLES));
  for (const [name, property] of Object.entries(VARIABLES)) if (variables[name]) root.style.setProperty(property, variables[name]);
  rules.replaceSync("");
  for (const [selector, properties] of Object.entries(wanted)) {
    if (SELECTOR.test(selector)) addRule(selector, properties);
    else checkOptions("appearance.rules", { [selector]: true }, []);
  }
  wearStyle(root, style);
}

/** @param {HTMLElement} root @param {Options} style */
function wearStyle(root, { base = {}, invalid = {}, ...others }) {
  const { "::placeholder": placeholder = {}, ...own } = base;
  checkOptions("style", others, []);
  checkOptions("style.base", own, [...Object.keys(STYLES), "iconColor", "fontSmoothing"]);
  checkOptions("style.invalid", invalid, ["color", "iconColor"]);
  for (const [name, property] of Object.entries(STYLES)) if (own[name]) root.style.setProperty(property, own[name]);
  if (placeholder.color) root.style.setProperty("--placeholder", placeholder.color);
  if (invalid.color) root.style.setProperty("--danger", invalid.color);
}
