// What an Element says, in the person's language.

import { checkOptions } from "./missing.js";

/** @typedef {Record<string, string>} Words */

/** @type {Words} */
const en = {
  number: "Card number", expiry: "Expiration date", cvc: "Security code", name: "Full name", first_name: "First name", last_name: "Last name",
  routing: "Routing number", account: "Account number", email: "Email", country: "Country or region", line1: "Address line 1", line2: "Address line 2",
  city: "City", state: "State", postal_code: "Postal code", phone: "Phone number", optional: "(optional)",
  card: "Card", us_bank_account: "US bank account", payment_method: "Payment method",
  incomplete_number: "Your card number is incomplete.", invalid_number: "Your card number is invalid.",
  incomplete_expiry: "Your card’s expiration date is incomplete.", invalid_expiry_month: "Your card’s expiration date is invalid.",
  invalid_expiry_year_past: "Your card’s expiration year is in the past.", invalid_expiry_month_past: "Your card’s expiration date is in the past.",
  incomplete_cvc: "Your card’s security code is incomplete.", incomplete_name: "Please provide your full name.",
  incomplete_routing_number: "Your routing number is incomplete.", incomplete_account_number: "Your account number is incomplete.",
  incomplete_email: "Your email is incomplete.", invalid_email: "Your email is invalid.", incomplete_field: "This field is incomplete.",
  sepa_debit: "SEPA Debit", iban: "IBAN", incomplete_iban: "Your IBAN is incomplete.", invalid_iban: "Your IBAN is invalid.",
};
/** @type {Words} */
const de = {
  number: "Kartennummer", expiry: "Ablaufdatum", cvc: "Sicherheitscode", name: "Vollständiger Name", first_name: "Vorname", last_name: "Nachname",
  routing: "Bankleitzahl", account: "Kontonummer", email: "E-Mail", country: "Land oder Region", line1: "Adresszeile 1", line2: "Adresszeile 2",
  city: "Stadt", state: "Bundesland", postal_code: "Postleitzahl", phone: "Telefonnummer", optional: "(optional)",
  card: "Karte", us_bank_account: "US-Bankkonto", payment_method: "Zahlungsmethode",
  incomplete_number: "Ihre Kartennummer ist unvollständig.", invalid_number: "Ihre Kartennummer ist ungültig.",
  incomplete_expiry: "Das Ablaufdatum Ihrer Karte ist unvollständig.", invalid_expiry_month: "Das Ablaufdatum Ihrer Karte ist ungültig.",
  invalid_expiry_year_past: "Das Ablaufjahr Ihrer Karte liegt in der Vergangenheit.", invalid_expiry_month_past: "Das Ablaufdatum Ihrer Karte liegt in der Vergangenheit.",
  incomplete_cvc: "Der Sicherheitscode Ihrer Karte ist unvollständig.", incomplete_name: "Bitte geben Sie Ihren vollständigen Namen ein.",
  incomplete_routing_number: "Ihre Bankleitzahl ist unvollständig.", incomplete_account_number: "Ihre Kontonummer ist unvollständig.",
  incomplete_email: "Ihre E-Mail-Adresse ist unvollständig.", invalid_email: "Ihre E-Mail-Adresse ist ungültig.", incomplete_field: "Dieses Feld ist unvollständig.",
  sepa_debit: "SEPA-Lastschrift", iban: "IBAN", incomplete_iban: "Ihre IBAN ist unvollständig.", invalid_iban: "Ihre IBAN ist ungültig.",
};
/** @type {Words} */
const es = {
  number: "Número de tarjeta", expiry: "Fecha de caducidad", cvc: "Código de seguridad", name: "Nombre completo", first_name: "Nombre", last_name: "Apellidos",
  routing: "Número de ruta", account: "Número de cuenta", email: "Correo electrónico", country: "País o región", line1: "Dirección (línea 1)", line2: "Dirección (línea 2)",
  city: "Ciudad", state: "Estado", postal_code: "Código postal", phone: "Número de teléfono", optional: "(opcional)",
  card: "Tarjeta", us_bank_account: "Cuenta bancaria de EE. UU.", payment_method: "Método de pago",
  incomplete_number: "El número de tarjeta está incompleto.", invalid_number: "El número de tarjeta no es válido.",
  incomplete_expiry: "La fecha de caducidad de la tarjeta está incompleta.", invalid_expiry_month: "La fecha de caducidad de la tarjeta no es válida.",
  invalid_expiry_year_past: "El año de caducidad de la tarjeta ya ha pasado.", invalid_expiry_month_past: "La fecha de caducidad de la tarjeta ya ha pasado.",
  incomplete_cvc: "El código de seguridad de la tarjeta está incompleto.", incomplete_name: "Indica tu nombre completo.",
  incomplete_routing_number: "El número de ruta está incompleto.", incomplete_account_number: "El número de cuenta está incompleto.",
  incomplete_email: "El correo electrónico está incompleto.", invalid_email: "El correo electrónico no es válido.", incomplete_field: "Este campo está incompleto.",
  sepa_debit: "Adeudo SEPA", iban: "IBAN", incomplete_iban: "El IBAN está incompleto.", invalid_iban: "El IBAN no es válido.",
};
/** @type {Words} */
const fr = {
  number: "Numéro de carte", expiry: "Date d’expiration", cvc: "Code de sécurité", name: "Nom complet", first_name: "Prénom", last_name: "Nom",
  routing: "Code guichet", account: "Numéro de compte", email: "E-mail", country: "Pays ou région", line1: "Adresse, ligne 1", line2: "Adresse, ligne 2",
  city: "Ville", state: "État", postal_code: "Code postal", phone: "Numéro de téléphone", optional: "(facultatif)",
  card: "Carte", us_bank_account: "Compte bancaire américain", payment_method: "Moyen de paiement",
  incomplete_number: "Le numéro de votre carte est incomplet.", invalid_number: "Le numéro de votre carte n’est pas valide.",
  incomplete_expiry: "La date d’expiration de votre carte est incomplète.", invalid_expiry_month: "La date d’expiration de votre carte n’est pas valide.",
  invalid_expiry_year_past: "L’année d’expiration de votre carte est passée.", invalid_expiry_month_past: "La date d’expiration de votre carte est passée.",
  incomplete_cvc: "Le code de sécurité de votre carte est incomplet.", incomplete_name: "Veuillez indiquer votre nom complet.",
  incomplete_routing_number: "Le code guichet est incomplet.", incomplete_account_number: "Le numéro de compte est incomplet.",
  incomplete_email: "Votre adresse e-mail est incomplète.", invalid_email: "Votre adresse e-mail n’est pas valide.", incomplete_field: "Ce champ est incomplet.",
  sepa_debit: "Prélèvement SEPA", iban: "IBAN", incomplete_iban: "L’IBAN est incomplet.", invalid_iban: "L’IBAN n’est pas valide.",
};
/** @type {Words} */
const ja = {
  number: "カード番号", expiry: "有効期限", cvc: "セキュリティコード", name: "氏名", first_name: "名", last_name: "姓",
  routing: "ルーティング番号", account: "口座番号", email: "メールアドレス", country: "国または地域", line1: "住所 1", line2: "住所 2",
  city: "市区町村", state: "都道府県", postal_code: "郵便番号", phone: "電話番号", optional: "(任意)",
  card: "カード", us_bank_account: "アメリカの銀行口座", payment_method: "支払い方法",
  incomplete_number: "カード番号に不備があります。", invalid_number: "カード番号が無効です。",
  incomplete_expiry: "カードの有効期限に不備があります。", invalid_expiry_month: "カードの有効期限が無効です。",
  invalid_expiry_year_past: "カードの有効期限が過ぎています。", invalid_expiry_month_past: "カードの有効期限が過ぎています。",
  incomplete_cvc: "カードのセキュリティコードに不備があります。", incomplete_name: "氏名を入力してください。",
  incomplete_routing_number: "ルーティング番号に不備があります。", incomplete_account_number: "口座番号に不備があります。",
  incomplete_email: "メールアドレスに不備があります。", invalid_email: "メールアドレスが無効です。", incomplete_field: "この欄に不備があります。",
  sepa_debit: "SEPA 口座振替", iban: "IBAN", incomplete_iban: "IBAN に不備があります。", invalid_iban: "IBAN が無効です。",
};

/** @type {Record<string, Words>} */
const LANGUAGES = { en, de, es, fr, ja };
let words = en;

/** Speaks a language, as far as there are words for it. `auto`, or none, is the browser's. @param {string | undefined} locale */
export function speak(locale) {
  const automatic = !locale || locale === "auto";
  const language = (automatic ? navigator.language : locale).split("-")[0] ?? "en";
  words = LANGUAGES[language] ?? en;
  if (!automatic && !LANGUAGES[language]) checkOptions("locale", { [locale]: true }, []);
  document.documentElement.lang = LANGUAGES[language] ? (automatic ? navigator.language : locale) : "en";
}

/** @param {string} id */
export const word = (id) => words[id] ?? (id.startsWith("incomplete_") ? words["incomplete_field"] : undefined) ?? id;
