"""The test payment methods: Stripe's tokens and card numbers, and the result of a payment with each.

`billing.payments` reads the result from these tables.
"""

import re
from dataclasses import dataclass, replace
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a payment attempt. `kind` is succeeds, declines, authenticates or debits."""

    kind: str
    code: str | None = None
    decline_code: str | None = None
    message: str | None = None
    once_set_up: bool = False
    """Whether authentication is needed only until the card has been set up for later use."""
    off_session_passes: bool = False
    """Whether the card counts as set up for what the merchant charges."""


def _declined(decline_code: str, message: str = "Your card was declined.", code: str = "card_declined") -> Outcome:
    return Outcome("declines", code, decline_code, message)


def _returned(code: str, message: str) -> Outcome:
    return Outcome("debits", code, None, message)


OUTCOMES: dict[str, Outcome] = {
    "succeeds": Outcome("succeeds"),
    "generic_decline": _declined("generic_decline"),
    "declines_once_attached": _declined("generic_decline"),
    "insufficient_funds": _declined("insufficient_funds", "Your card has insufficient funds."),
    "lost_card": _declined("lost_card"),
    "stolen_card": _declined("stolen_card"),
    "fraudulent": _declined("fraudulent"),
    "expired_card": _declined("expired_card", "Your card has expired.", "expired_card"),
    "incorrect_cvc": _declined("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc"),
    "processing_error": _declined(
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "processing_error",
    ),
    "velocity_exceeded": _declined("card_velocity_exceeded"),
    "authenticates": Outcome("authenticates"),
    "authenticates_unless_set_up": Outcome("authenticates", once_set_up=True),
    "authenticates_on_session": Outcome("authenticates", off_session_passes=True),
    "authenticates_then_declines": Outcome(
        "authenticates", "card_declined", "insufficient_funds", "Your card has insufficient funds."
    ),
    "authenticates_then_refused": Outcome(
        "authenticates", "card_declined", "generic_decline", "Your card was declined."
    ),
    "debit_settles": Outcome("debits"),
    "debit_stays": Outcome("debits", "stays"),
    "debit_insufficient_funds": _returned(
        "payment_method_customer_decline", "The customer's bank account has insufficient funds."
    ),
    "debit_account_closed": _returned("bank_account_unusable", "The customer's bank account has been closed."),
    "debit_no_account": _returned("bank_account_unusable", "The customer's bank account could not be located."),
    "debit_not_authorized": _returned(
        "debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."
    ),
    "debit_disputed": Outcome("debits"),
    "disputed": Outcome("succeeds"),
    "disputed_product_not_received": Outcome("succeeds"),
    "inquired": Outcome("succeeds"),
    "fraud_warned": Outcome("succeeds"),
    "available_at_once": Outcome("succeeds"),
    "transfers": Outcome("transfers"),
    "refund_pends": Outcome("succeeds"),
    "refund_fails": Outcome("succeeds"),
}


@dataclass(frozen=True, slots=True)
class TestMethod:
    """One of Stripe's test payment methods; `number` is the card's or the account's."""

    __test__ = False  # not a test, whatever pytest thinks of the name
    token: str
    number: str
    outcome: str = "succeeds"
    brand: str = "visa"
    kind: str = "card"
    funding: str = "credit"
    country: str = "US"
    checks: tuple[str, ...] = ()
    """The checks of the card's data that fail."""

    @property
    def fingerprint(self) -> str:
        """The same for every payment method with this number."""
        return blake2b(self.number.encode(), digest_size=8).hexdigest()


_VISA = "pm_card_visa_chargeDeclined"
_LINE1, _ZIP = "address_line1_check", "address_postal_code_check"
_COUNTRIES = """
AE 4000007840000001 AR 4000000320000021 AT 4000000400000008 AU 4000000360000006 BE 4000000560000004 BG 4000001000000000
BR 4000000760000002 BY 4000001120000005 CA 4000001240000000 CH 4000007560000009 CL 4000001520000001 CN 4000001560000002
CO 4000001700000003 CR 4000001880000005 CY 4000001960000008 CZ 4000002030000002 DE 4000002760000016 DK 4000002080000001
EC 4000002180000000 EE 4000002330000009 ES 4000007240000007 FI 4000002460000001 FR 4000002500000003 GB 4000008260000000
GI 4000002920000005 GR 4000003000000030 HK 4000003440000004 HR 4000001910000009 HU 4000003480000005 IE 4000003720000005
IN 4000003560000008 IT 4000003800000008 JP 4000003920000003 LI 4000004380000004 LT 4000004400000000 LU 4000004420000006
LV 4000004280000005 MT 4000004700000007 MX 4000004840008001 MY 4000004580000002 NL 4000005280000002 NO 4000005780000007
NZ 4000005540000008 PA 4000005910000000 PE 4000006040000068 PL 4000006160000005 PT 4000006200000007 PY 4000006000000066
RO 4000006420000001 SA 4000006820000007 SE 4000007520000008 SG 4000007020000003 SI 4000007050000006 SK 4000007030000001
TH 4000007640000003 TW 4000001580000008 UY 4000008580000003
"""
"""Stripe's card of each country, which succeeds; its token is `pm_card_` and the country."""
TEST_METHODS: tuple[TestMethod, ...] = (
    TestMethod("pm_card_visa", "4242424242424242"),
    TestMethod("pm_card_visa_debit", "4000056655665556", funding="debit"),
    TestMethod("pm_card_mastercard", "5555555555554444", brand="mastercard"),
    TestMethod("pm_card_mastercard_debit", "5200828282828210", brand="mastercard", funding="debit"),
    TestMethod("pm_card_amex", "378282246310005", brand="amex"),
    TestMethod("pm_card_discover", "6011111111111117", brand="discover"),
    TestMethod("pm_card_diners", "3056930009020004", brand="diners"),
    TestMethod("pm_card_jcb", "3566002020360505", brand="jcb"),
    TestMethod("pm_card_mastercard_prepaid", "5105105105105100", brand="mastercard", funding="prepaid"),
    TestMethod("pm_card_unionpay", "6200000000000005", brand="unionpay"),
    TestMethod(_VISA, "4000000000000002", "generic_decline"),
    TestMethod(f"{_VISA}InsufficientFunds", "4000000000009995", "insufficient_funds"),
    TestMethod(f"{_VISA}LostCard", "4000000000009987", "lost_card"),
    TestMethod(f"{_VISA}StolenCard", "4000000000009979", "stolen_card"),
    TestMethod("pm_card_chargeDeclinedFraudulent", "4100000000000019", "fraudulent"),
    TestMethod("pm_card_chargeDeclinedExpiredCard", "4000000000000069", "expired_card"),
    TestMethod("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", "incorrect_cvc"),
    TestMethod("pm_card_chargeDeclinedProcessingError", "4000000000000119", "processing_error"),
    TestMethod("pm_card_chargeDeclinedVelocityLimitExceeded", "4000000000006975", "velocity_exceeded"),
    TestMethod("pm_card_chargeCustomerFail", "4000000000000341", "declines_once_attached"),
    TestMethod("pm_card_authenticationRequired", "4000002760003184", "authenticates"),
    TestMethod("pm_card_authenticationRequiredOnSetup", "4000002500003155", "authenticates_unless_set_up"),
    TestMethod("pm_card_authenticationRequiredSetupForOffSession", "4000003800000446", "authenticates_on_session"),
    TestMethod("pm_card_threeDSecure2Required", "4000000000003220", "authenticates"),
    TestMethod(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        "authenticates_then_declines",
    ),
    TestMethod("pm_card_threeDSecureRequiredChargeDeclined", "4000008400001629", "authenticates_then_refused"),
    TestMethod("pm_card_threeDSecureRequiredProcessingError", "4000008400001280", "generic_decline"),
    TestMethod("pm_card_threeDSecureOptional", "4000000000003055"),
    TestMethod("pm_card_threeDSecureOptionalProcessingError", "4000000000003097"),
    TestMethod("pm_card_riskLevelHighest", "4000000000004954", "fraudulent"),
    TestMethod("pm_card_riskLevelElevated", "4000000000009235"),
    TestMethod("pm_card_cvcCheckFail", "4000000000000101", checks=("cvc_check",)),
    TestMethod("pm_card_avsZipFail", "4000000000000036", checks=(_ZIP,)),
    TestMethod("pm_card_avsLine1Fail", "4000000000000028", checks=(_LINE1,)),
    TestMethod("pm_card_avsFail", "4000000000000010", checks=(_LINE1, _ZIP)),
    TestMethod("pm_card_createDispute", "4000000000000259", "disputed"),
    TestMethod("pm_card_createDisputeProductNotReceived", "4000000000002685", "disputed_product_not_received"),
    TestMethod("pm_card_createDisputeInquiry", "4000000000001976", "inquired"),
    TestMethod("pm_card_createIssuerFraudRecord", "4000000000005423", "fraud_warned"),
    TestMethod("pm_card_bypassPending", "4000000000000077", "available_at_once"),
    TestMethod("pm_card_pendingRefund", "4000000000007726", "refund_pends"),
    TestMethod("pm_card_refundFail", "4000000000005126", "refund_fails"),
    *(
        TestMethod(f"pm_card_{country.lower()}", number, country=country)
        for country, number in map(str.split, re.findall(r"[A-Z]{2} \d+", _COUNTRIES))
    ),
    TestMethod("pm_usBankAccount_success", "000123456789", "debit_settles", "", "us_bank_account"),
    TestMethod("pm_usBankAccount", "000123456789", "debit_settles", "", "us_bank_account"),
    TestMethod("pm_usBankAccount_insufficientFunds", "000222222227", "debit_insufficient_funds", "", "us_bank_account"),
    TestMethod("pm_usBankAccount_accountClosed", "000111111113", "debit_account_closed", "", "us_bank_account"),
    TestMethod("pm_usBankAccount_noAccount", "000111111116", "debit_no_account", "", "us_bank_account"),
    TestMethod("pm_usBankAccount_debitNotAuthorized", "000333333335", "debit_not_authorized", "", "us_bank_account"),
    TestMethod("pm_usBankAccount_processing", "000000000009", "debit_stays", "", "us_bank_account"),
    TestMethod("pm_usBankAccount_dispute", "000555555559", "debit_disputed", "", "us_bank_account"),
    TestMethod("pm_success_de", "DE89370400440532013000", "debit_settles", "", "sepa_debit"),
    TestMethod("pm_failed_de", "DE62370400440532013001", "debit_not_authorized", "", "sepa_debit"),
    TestMethod("pm_disputed_de", "DE35370400440532013002", "debit_disputed", "", "sepa_debit"),
    TestMethod("pm_insufficientFunds_de", "DE65370400440002222227", "debit_insufficient_funds", "", "sepa_debit"),
    TestMethod("pm_success_at", "AT611904300234573201", "debit_settles", "", "sepa_debit"),
    TestMethod("pm_successDelayed_at", "AT321904300235473204", "debit_settles", "", "sepa_debit"),
    TestMethod("pm_failed_at", "AT861904300235473202", "debit_not_authorized", "", "sepa_debit"),
    TestMethod("pm_disputed_at", "AT591904300235473203", "debit_disputed", "", "sepa_debit"),
)
_ALIASES = {
    "pm_card_chargeDeclined": _VISA,
    "pm_card_chargeDeclinedInsufficientFunds": f"{_VISA}InsufficientFunds",
    "pm_card_chargeDeclinedLostCard": f"{_VISA}LostCard",
    "pm_card_chargeDeclinedStolenCard": f"{_VISA}StolenCard",
    "pm_card_visa_chargeDeclinedFraudulent": "pm_card_chargeDeclinedFraudulent",
    "pm_card_visa_chargeDeclinedExpiredCard": "pm_card_chargeDeclinedExpiredCard",
    "pm_card_visa_chargeDeclinedIncorrectCvc": "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_visa_chargeDeclinedProcessingError": "pm_card_chargeDeclinedProcessingError",
    "pm_card_threeDSecureRequired": "pm_card_threeDSecure2Required",
    "pm_card_us": "pm_card_visa",
    "pm_card_radarBlock": "pm_card_chargeDeclinedFraudulent",
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "pm_card_chargeDeclinedVelocityLimitExceeded",
    "pm_card_amex_threeDSecureNotSupported": "pm_card_amex",
}
BY_TOKEN = {method.token: method for method in TEST_METHODS}
BY_TOKEN |= {alias: BY_TOKEN[token] for alias, token in _ALIASES.items()}
BY_NUMBER = {method.number: method for method in reversed(TEST_METHODS)}
_NUMBERS = {
    "pm_card_mastercard": "2223003122003222",
    "pm_card_amex": "371449635398431",
    "pm_card_discover": "6011000990139424 6011981111111113",
    "pm_card_diners": "36227206271667",
    "pm_card_unionpay": "6200000000000047 6205500000000000004",
    "pm_card_visa": "4000000000000044 4000000000001208 4000000000003725 4000000032200000",
    "pm_card_threeDSecure2Required": "4000000000003063",
}
"""Further numbers that do what a token does."""
BY_NUMBER |= {
    number: replace(BY_TOKEN[token], number=number) for token, more in _NUMBERS.items() for number in more.split()
}
