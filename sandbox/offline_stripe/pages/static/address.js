// The Address Element: its fields, which depend on the country, and its value.

import { typed } from "./fields.js";

/** @typedef {import("./fields.js").Field} Field */

const COUNTRIES = "AC AD AE AF AG AI AL AM AO AQ AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CD CF CG CH CI CK CL CM CN CO CR CV CW CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IS IT JE JM JO JP KE KG KH KI KM KN KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MK ML MM MN MO MQ MR MS MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PY QA RE RO RS RU RW SA SB SC SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VN VU WF WS XK YE YT ZA ZM ZW".split(" ");
const WITH_STATE = new Set(["AU", "BR", "CA", "CN", "IN", "JP", "MX", "US"]);
const WITHOUT_POSTAL_CODE = new Set("AC AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GN GQ GY HK IE JM KE KI KM KN KP LC ML MO MR MS MU MW NR NU PA QA RW SA SB SC SL SO SR ST SY TD TF TG TK TL TO TT TV TZ UG VU WS YE ZW".split(" "));

/** @param {string} code @param {(country: string) => boolean} [wanted] @returns {(text: string) => string | null} */
const demanded = (code, wanted = () => true) => (text) => (text.trim() || !wanted(typed("country")) ? null : code);

/** @param {Record<string, any>} options @returns {Field[]} */
export function addressFields({ allowedCountries, display, fields, validation }) {
  const names = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });
  /** @type {[string, string][]} */
  const choices = (allowedCountries?.length ? allowedCountries : COUNTRIES).map((/** @type {string} */ code) => [code, names.of(code) ?? code]);
  choices.sort(([, one], [, other]) => one.localeCompare(other));
  const phone = fields?.phone === "always" ? [{ id: "phone", autocomplete: "tel", type: "tel", optional: validation?.phone?.required !== "always", check: demanded("incomplete_phone", () => validation?.phone?.required === "always") }] : [];
  /** @type {Field[]} */
  const name = display?.name === "split"
    ? [{ id: "first_name", autocomplete: "given-name", check: demanded("incomplete_name") }, { id: "last_name", autocomplete: "family-name", check: demanded("incomplete_name") }]
    : [{ id: "name", autocomplete: "name", check: demanded("incomplete_name") }];
  return [
    ...(fields?.name === "never" ? [] : name),
    { id: "country", autocomplete: "country", choices, check: demanded("incomplete_country") },
    { id: "line1", autocomplete: "address-line1", check: demanded("incomplete_line1") },
    { id: "line2", autocomplete: "address-line2", optional: true, check: () => null },
    { id: "city", autocomplete: "address-level2", check: demanded("incomplete_city") },
    { id: "state", autocomplete: "address-level1", check: demanded("incomplete_state", (country) => WITH_STATE.has(country)) },
    { id: "postal_code", autocomplete: "postal-code", check: demanded("incomplete_postal_code", (country) => !WITHOUT_POSTAL_CODE.has(country)) },
    ...phone,
  ];
}

/** Hides what the chosen country has not. */
export function fitCountry() {
  const country = typed("country");
  for (const [id, has] of /** @type {[string, boolean][]} */ ([["state", WITH_STATE.has(country)], ["postal_code", !WITHOUT_POSTAL_CODE.has(country)]])) {
    const row = /** @type {HTMLElement | null} */ (document.querySelector(`.field.${id}`));
    if (row) row.hidden = !has;
  }
}

/** As the Element's events and `getValue()` tell it. */
export function addressValue() {
  const [first, last, phone] = [typed("first_name"), typed("last_name"), typed("phone")];
  return {
    name: first || last ? `${first} ${last}`.trim() : typed("name"),
    ...(document.getElementById("first_name") ? { firstName: first, lastName: last } : {}),
    address: { line1: typed("line1"), line2: typed("line2") || null, city: typed("city"), state: typed("state"), postal_code: typed("postal_code"), country: typed("country") },
    ...(document.getElementById("phone") ? { phone } : {}),
  };
}
