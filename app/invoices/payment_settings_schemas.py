"""How an invoice may be paid, in Stripe's words."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from app.http.schemas import Create, Request, StripeId, Text, Time, UnitAmount
from app.http.stripe_schemas import AddressParams

PaymentMethodType = Annotated[str, StringConstraints(pattern="^[a-z0-9_]{2,50}$")]
Verification = Literal["automatic", "instant", "microdeposits"]


class AcssMandateParams(Create):
    transaction_type: Literal["business", "personal"] | None = None


class AcssDebitOptionsParams(Create):
    mandate_options: AcssMandateParams | None = None
    verification_method: Verification | None = None


class BancontactOptionsParams(Create):
    preferred_language: Literal["de", "en", "fr", "nl"] | None = None


class CompanyDetailsParams(Request):
    registered_name: Text | None = Field(default=None, max_length=500)
    registered_address: AddressParams | None = None
    registration_number: Text | None = Field(default=None, max_length=500)
    registration_type: Annotated[str, StringConstraints(pattern="^[a-z]{2}_[a-z_]{2,20}$")] | None = None
    vat: Text | None = Field(default=None, max_length=50)


class BillieOptionsParams(Request):
    company_details: CompanyDetailsParams | None = None
    reference: Text | None = Field(default=None, max_length=500)


class InstallmentPlanParams(Create):
    type: Literal["bonus", "fixed_count", "revolving"]
    count: Annotated[int, Field(ge=1, le=99)] | None = None
    interval: Literal["month"] | None = None


class InstallmentsParams(Request):
    absent: ClassVar[tuple[str, ...]] = ("enabled",)

    enabled: bool | None = None
    plan: InstallmentPlanParams | None = None


class CardOptionsParams(Create):
    installments: InstallmentsParams | None = None
    request_three_d_secure: Literal["any", "automatic", "challenge"] | None = None


class EuBankTransferParams(Request):
    country: Literal["BE", "DE", "ES", "FR", "IE", "NL"]


class BankTransferParams(Create):
    type: Annotated[str, StringConstraints(pattern="^[a-z_]{2,50}$")] | None = Field(
        default=None, examples=["eu_bank_transfer"]
    )
    eu_bank_transfer: EuBankTransferParams | None = None


class CustomerBalanceOptionsParams(Create):
    bank_transfer: BankTransferParams | None = None
    funding_type: Literal["bank_transfer"] | None = None


class NoOptionsParams(Request):
    """Stripe has no options of this payment method yet."""


class PaytoMandateParams(Create):
    amount: UnitAmount | None = None
    purpose: Annotated[str, StringConstraints(pattern="^[a-z_]{2,30}$")] | None = Field(
        default=None, examples=["other"]
    )


class PaytoOptionsParams(Create):
    mandate_options: PaytoMandateParams | None = None


class PixOptionsParams(Create):
    amount_includes_iof: Literal["always", "never"] | None = None
    expires_after_seconds: Annotated[int, Field(ge=10, le=1_209_600)] | None = None


class UpiMandateParams(Create):
    amount: UnitAmount | None = None
    amount_type: Literal["fixed", "maximum"] | None = None
    description: Text | None = Field(default=None, max_length=20)
    end_date: Time | None = None


class UpiOptionsParams(Create):
    mandate_options: UpiMandateParams | None = None


class AccountFiltersParams(Create):
    absent: ClassVar[tuple[str, ...]] = ("account_subcategories",)

    account_subcategories: Annotated[list[Literal["checking", "savings"]], Field(max_length=2)] | None = None


class FinancialConnectionsParams(Create):
    absent: ClassVar[tuple[str, ...]] = ("permissions", "prefetch")

    filters: AccountFiltersParams | None = None
    permissions: (
        Annotated[list[Literal["balances", "ownership", "payment_method", "transactions"]], Field(max_length=4)] | None
    ) = None
    prefetch: Annotated[list[Literal["balances", "ownership", "transactions"]], Field(max_length=3)] | None = None


class UsBankAccountOptionsParams(Create):
    financial_connections: FinancialConnectionsParams | None = None
    verification_method: Verification | None = None


class PaymentMethodOptionsParams(Request):
    acss_debit: AcssDebitOptionsParams | None = None
    bancontact: BancontactOptionsParams | None = None
    billie: BillieOptionsParams | None = None
    blik: NoOptionsParams | None = None
    card: CardOptionsParams | None = None
    customer_balance: CustomerBalanceOptionsParams | None = None
    konbini: NoOptionsParams | None = None
    payto: PaytoOptionsParams | None = None
    pix: PixOptionsParams | None = None
    sepa_debit: NoOptionsParams | None = None
    upi: UpiOptionsParams | None = None
    us_bank_account: UsBankAccountOptionsParams | None = None


class PaymentSettingsParams(Request):
    """What the PaymentIntent is made with when the invoice is finalized."""

    absent: ClassVar[tuple[str, ...]] = ("payment_method_options",)

    default_mandate: StripeId | None = None
    payment_method_types: Annotated[list[PaymentMethodType], Field(max_length=60)] | None = Field(
        default=None, description="Without it the account's settings decide.", examples=[["card", "sepa_debit"]]
    )
    payment_method_options: PaymentMethodOptionsParams | None = None
