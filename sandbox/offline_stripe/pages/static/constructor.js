// `window.Stripe`. Everything that Stripe's types declare is here: done by the modules before, or named as missing.

import { handleNextAction, named, retrieve } from "./actions.js";
import { confirmWithElements, confirmWithMethod } from "./confirming.js";
import { createPaymentMethod, createToken } from "./creating.js";
import { Elements } from "./elements.js";
import { checkOptions, missing, remark } from "./missing.js";
import { IntegrationError, intentOf } from "./origin.js";

/** @typedef {import("@stripe/stripe-js").Stripe} StripeObject */

/** Calls that answer `{ error }` with the code `sandbox_not_simulated`: of Stripe's types, and some that only its script has. */
const MISSING = /** @type {const} */ ([
  "collectBankAccountForPayment", "collectBankAccountForSetup", "collectBankAccountToken", "collectFinancialConnectionsAccounts",
  "confirmAcssDebitPayment", "confirmAcssDebitSetup", "confirmAffirmPayment", "confirmAfterpayClearpayPayment", "confirmAlipayPayment",
  "confirmAmazonPaySetup", "confirmAuBecsDebitPayment", "confirmAuBecsDebitSetup", "confirmBacsDebitSetup", "confirmBancontactPayment",
  "confirmBancontactSetup", "confirmBilliePayment", "confirmBlikPayment", "confirmBlikSetup", "confirmBoletoPayment", "confirmCashappPayment",
  "confirmCashappSetup", "confirmCustomerBalancePayment", "confirmEpsPayment", "confirmFpxPayment", "confirmGiropayPayment",
  "confirmGrabPayPayment", "confirmIdealPayment", "confirmIdealSetup", "confirmKlarnaPayment", "confirmKonbiniPayment",
  "confirmMobilepayPayment", "confirmMultibancoPayment", "confirmOxxoPayment", "confirmP24Payment", "confirmPayByBankPayment",
  "confirmPayNowPayment", "confirmPayPalPayment", "confirmPayPalSetup", "confirmPixPayment", "confirmPromptPayPayment",
  "confirmSofortPayment", "confirmSofortSetup", "confirmTwintPayment",
  "confirmWechatPayPayment", "createConfirmationToken", "createEphemeralKeyNonce", "createFinancialAccountDisclosure", "createIssuingDisclosure",
  "createRadarSession", "createSource", "createTreasuryDisclosure", "processOrder", "redirectToCheckout", "retrieveOrder", "retrieveSource",
  "verifyIdentity", "verifyMicrodepositsForPayment", "verifyMicrodepositsForSetup",
]);
/** The same, for calls that answer an object: they throw. */
const THROWING = /** @type {const} */ ([
  "createEmbeddedCheckoutPage", "initCheckout", "initCheckoutElementsSdk", "initCheckoutFormSdk", "initEmbeddedCheckout", "initializePricing",
]);

/** @template {string} Name @param {readonly Name[]} names @param {(name: Name) => (...given: any[]) => any} make */
const stubs = (names, make) => /** @type {Record<Name, (...given: any[]) => any>} */ (Object.fromEntries(names.map((name) => [name, make(name)])));

/** @param {string} key @param {Record<string, any>} [options] */
function Stripe(key, options = {}) {
  if (typeof key !== "string" || !key.startsWith("pk_")) {
    throw new IntegrationError("Please call Stripe() with your publishable key. You used an empty string or another kind of key.");
  }
  checkOptions("Stripe()", options, ["locale", "developerTools"]);

  /** `confirmCardPayment` and its like. @param {"card" | "sepa_debit" | "us_bank_account"} type @param {"paymentIntent" | "setupIntent"} result @param {string} name */
  const confirming = (type, result, name) =>
    /** @param {string} clientSecret @param {Record<string, any>} [data] @param {{ handleActions?: boolean }} [how] */
    (clientSecret, data, how) => confirmWithMethod(key, { type, result, caller: `stripe.${name}()` }, clientSecret, data, how);
  /** @param {string} clientSecret */
  const retrieveIntent = async (clientSecret) => named(intentOf(clientSecret), await retrieve(key, clientSecret));
  /** @type {WeakSet<object>} */
  const made = new WeakSet();
  /** Elements are good for the Stripe object that made them. @template {{ elements?: Elements }} Asked @param {string} name @param {Asked} [asked] */
  const own = (name, asked) => {
    if (!asked?.elements || made.has(asked.elements)) return asked;
    throw new IntegrationError(`Invalid value for stripe.${name}(): the 'elements' provided was created by a different Stripe instance. Please use the same Stripe instance to create the 'elements' and call stripe.${name}().`);
  };

  const found = {
    ...stubs(MISSING, (name) => async () => missing(`stripe.${name}()`)),
    ...stubs(THROWING, (name) => () => { throw new IntegrationError(missing(`stripe.${name}()`).error.message); }),

    /** @param {Record<string, any>} [group] */
    elements: (group = {}) => {
      const found = new Elements(key, group, options.locale);
      made.add(found);
      return found;
    },
    /** @param {import("./confirming.js").Asked} [asked] */
    confirmPayment: async (asked) => confirmWithElements(key, "paymentIntent", own("confirmPayment", asked)),
    /** @param {import("./confirming.js").Asked} [asked] */
    confirmSetup: async (asked) => confirmWithElements(key, "setupIntent", own("confirmSetup", asked)),
    confirmCardPayment: confirming("card", "paymentIntent", "confirmCardPayment"),
    confirmCardSetup: confirming("card", "setupIntent", "confirmCardSetup"),
    confirmSepaDebitPayment: confirming("sepa_debit", "paymentIntent", "confirmSepaDebitPayment"),
    confirmSepaDebitSetup: confirming("sepa_debit", "setupIntent", "confirmSepaDebitSetup"),
    confirmUsBankAccountPayment: confirming("us_bank_account", "paymentIntent", "confirmUsBankAccountPayment"),
    confirmUsBankAccountSetup: confirming("us_bank_account", "setupIntent", "confirmUsBankAccountSetup"),
    retrievePaymentIntent: retrieveIntent,
    retrieveSetupIntent: retrieveIntent,
    /** @param {{ clientSecret?: string, hashedValue?: string }} [asked] */
    handleNextAction: (asked) => handleNextAction(key, asked),
    /** @param {string} clientSecret */
    handleCardAction: (clientSecret) => handleNextAction(key, { clientSecret }),
    /** @param {Record<string, any>} [asked] */
    createPaymentMethod: async (asked) => createPaymentMethod(key, own("createPaymentMethod", asked)),
    /** @param {unknown} kind @param {Record<string, any>} [data] */
    createToken: (kind, data) => createToken(key, kind, data),
    paymentRequest: () => {
      remark("stripe.paymentRequest() never can make a payment, as there is no wallet here");
      return { canMakePayment: async () => null, on: () => undefined, off: () => undefined, update: () => undefined, show: () => undefined, abort: () => undefined, isShowing: () => false };
    },
    registerAppInfo: () => undefined,
    _registerWrapper: () => undefined,
  };
  return /** @satisfies {Record<keyof StripeObject, (...given: any[]) => any>} */ (found);
}
Stripe.version = "endive";
/** @type {any} */ (window).Stripe = Stripe;
