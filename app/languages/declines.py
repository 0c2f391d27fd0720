"""What a payer is told of a payment that failed, by Stripe's decline code or error code.

Codes that point to theft are told as an ordinary decline, as Stripe asks. Other codes have a general text.
"""

from app.languages.language import Language, translatable

DECLINED = translatable("Your card was declined. Please try another card.")
NOT_SUPPORTED = translatable("Your card does not support this type of purchase. Please try another card.")
NUMBER = translatable("Your card number is incorrect.")
CODE = translatable("Your card's security code is incorrect.")
EXPIRY = translatable("Your card's expiration date is incorrect.")
ACCOUNT = translatable("Your bank account could not be debited. Please pay another way.")
BANK = translatable("Your bank could not be reached. Please try again in a few minutes.")
FAILED = translatable("The payment did not go through. Please try again.")

DECLINES = {
    "": FAILED,
    "account_closed": ACCOUNT,
    "authentication_required": translatable("Your card was declined. This transaction requires authentication."),
    "bank_account_closed": ACCOUNT,
    "card_declined": DECLINED,
    "card_not_supported": NOT_SUPPORTED,
    "card_velocity_exceeded": translatable("Your card has reached its limit. Please try another card."),
    "currency_not_supported": translatable("Your card does not support this currency. Please try another card."),
    "debit_not_authorized": ACCOUNT,
    "expired_card": translatable("Your card has expired. Please try another card."),
    "generic_decline": DECLINED,
    "incorrect_cvc": CODE,
    "incorrect_number": NUMBER,
    "incorrect_zip": translatable("Your postal code does not match your card."),
    "insufficient_funds": translatable("Your card has insufficient funds. Please try another card."),
    "invalid_cvc": CODE,
    "invalid_expiry_month": EXPIRY,
    "invalid_expiry_year": EXPIRY,
    "invalid_number": translatable("Your card number is invalid."),
    "issuer_not_available": BANK,
    "payment_intent_authentication_failure": translatable(
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    ),
    "payment_method_not_available": translatable("This payment method is not available now. Please use another one."),
    "processing_error": translatable("An error occurred while processing your card. Try again in a little bit."),
    "transaction_not_allowed": NOT_SUPPORTED,
    "try_again_later": BANK,
}
"""The texts: the reason in Stripe's own words where it has some, then what to do. The general one stands under the empty code."""


def declines(language: Language) -> dict[str, str]:
    """The texts by code, for the pages' scripts."""
    return {code: language.text(english) for code, english in DECLINES.items()}
