"""The configuration of one sandbox: addresses, webhook targets, and switches, with their defaults.

A switch exists where Stripe's behaviour is undocumented or its sources disagree; `sandbox/docs/reference.md` lists them. This
module does not read the environment.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

API_VERSION = "2026-10-28.endive"
DEFAULT_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 (a public test key)
DEFAULT_PUBLISHABLE_KEY = "pk_test_sandbox"


@dataclass(frozen=True, slots=True)
class Switches:
    """Behaviour the sources leave open, each with the default the sandbox takes."""

    uncollectible_can_be_voided: bool = True
    """Stripe's documentation says yes; a third party's live probe says no."""
    processing_can_be_voided: bool = False
    """Whether an invoice can be voided or written off while a payment is processing; a public report says no."""
    open_auto_advance_editable: bool = True
    """Whether `auto_advance` may still be changed on an open invoice."""
    zero_due_emits_payment_succeeded: bool = False
    """Whether an invoice with nothing due emits `invoice.payment_succeeded` beside `invoice.paid`."""
    finalize_emits_updated: bool = True
    """Whether finalizing and paying also emit `invoice.updated`, as recorded."""
    finalize_emits_sent: bool = False
    """Whether finalizing a `send_invoice` invoice by itself emits `invoice.sent`."""
    void_emits_payment_intent_canceled: bool = True
    """Whether voiding emits `payment_intent.canceled` for the invoice's PaymentIntent."""
    out_of_band_emits_payment_intent_canceled: bool = False
    """Whether an out-of-band payment announces that it canceled the PaymentIntent."""
    out_of_band_counts_as_paid: bool = True
    """Whether `amount_paid` includes what was paid out of band."""
    void_paid_message_is_open_text: bool = False
    """Voiding a paid invoice: the 2023 wording ("isn't open") instead of the 2026 one."""
    payment_settings_editable_when_open: bool = True
    """Whether `payment_settings` and `default_payment_method` may change after finalization."""
    invoice_authentication_declines: bool = False
    """Whether `pay` with a 3-D Secure card is declined (`authentication_required`) instead of asking for action."""
    pay_accepts_templates: bool = True
    """Whether `pay` takes a `pm_card_…` template, which belongs to no customer."""
    send_invoice_requires_email: bool = True
    """Whether a `send_invoice` draft is refused for a customer without an email address."""
    attaching_checks_card: bool = True
    """Whether attaching a card that declines is itself declined (Stripe's 0341 card exists to get past that)."""
    lines_newest_first: bool = False
    """Order of an invoice's lines: as documented (added later, shown later), or newest first as observed once."""
    lines_page_size: int = 10
    """How many lines an invoice shows inline."""
    expand_depth: int = 4
    """How many levels `expand` may descend; `data` and each hash on the way count."""
    signature_uses_virtual_clock: bool = False
    """Sign deliveries with the virtual time instead of the wall clock's."""
    debit_settlement_s: int = 30
    """How long a bank debit stays `processing` on the virtual clock before it settles or fails."""
    automatic_tax_fails: bool = False
    """Whether automatic tax cannot be calculated, so that invoices with it cannot be finalized."""
    tax_id_verification_s: int = 1
    """How long the verification of a tax id is `pending`, on the virtual clock."""
    invoice_payment_lag_s: int = 0
    """How long after a payment its invoice payment becomes `paid`, on the virtual clock. Logs tell of it up to 22 s later."""
    refund_settlement_s: int = 30
    """How long a refund of a bank debit or a test card stays as it began, on the virtual clock."""
    dispute_review_s: int = 1
    """How long after evidence with a known outcome a dispute is decided, on the virtual clock."""
    dispute_fee: int = 1500
    """The fee for a dispute that withdraws money, in the smallest unit of its currency."""
    dispute_won_returns_fee: bool = False
    """Whether a dispute that is won returns the fee, too: Stripe's testing page says yes, recorded answers say no."""
    card_fee_basis_points: int = 290
    """Stripe's fee for a card payment, in hundredths of a percent."""
    card_fee_fixed: int = 30
    """The fixed part of that fee, in the smallest unit of the currency."""
    debit_fee_basis_points: int = 80
    """Stripe's fee for a bank debit, in hundredths of a percent."""
    debit_fee_most: int = 500
    """The most that a bank debit costs, in the smallest unit of the currency."""
    charge_available_days: int = 2
    """Days until the money of a charge is available."""
    auto_charge_delay_s: int = 3600
    """How long after an explicit finalization automatic collection tries the payment method."""
    draft_window_s: int = 3600
    """How long an automatically advancing draft waits before it is finalized."""
    draft_unacknowledged_window_s: int = 259_200
    """The same, when no endpoint has answered `invoice.created` with 2xx."""
    will_be_due_days: int = 0
    """Days before the due date at which `invoice.will_be_due` is sent; 0 is never."""
    idempotency_keys_kept_s: int = 86_400
    """How long an idempotency key is remembered; Stripe may forget it after 24 hours."""
    retry_base_s: float = 10.0
    """Delay before a failed delivery's second attempt; it doubles with every further one."""
    retry_horizon_s: float = 259_200.0
    """A failed delivery is given up when its next attempt would fall this long after the event."""
    delivery_timeout_s: float = 10.0
    """How long an endpoint may take to answer."""

    def changed(self, values: Mapping[str, object]) -> "Switches":
        """A copy with some switches set; raises ValueError for an unknown name or a wrong type."""
        known = {item.name: item for item in fields(self)}
        checked: dict[str, object] = {}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown switch: {name}")
            checked[name] = _as_type(name, value, type(getattr(self, name)))
        return replace(self, **checked)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def _as_type(name: str, value: object, wanted: type) -> object:
    if wanted is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
        raise ValueError(f"switch {name} is true or false")
    if isinstance(value, bool):
        raise ValueError(f"switch {name} is a number")  # noqa: TRY004 (one error type for callers)
    number = float(str(value))
    if wanted is int and not number.is_integer():
        raise ValueError(f"switch {name} is a whole number")
    return int(number) if wanted is int else number


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where to deliver events, and the `whsec_…` they are signed with."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The configuration of one sandbox process."""

    state: str = ":memory:"
    host: str = "127.0.0.1"
    port: int = 8001
    public_url: str | None = None
    webhooks: tuple[WebhookTarget, ...] = ()
    seed: int | None = None
    secret_key: str = field(default=DEFAULT_SECRET_KEY, repr=False)
    publishable_key: str = DEFAULT_PUBLISHABLE_KEY
    account_per_key: bool = False
    """Whether a secret key that nobody knows makes an account of its own."""
    remote_control: bool = False
    """Whether the control calls answer other machines, too: for a container whose port only this machine reaches."""
    switches: Switches = field(default_factory=Switches)
    account_name: str = "Sandbox Ltd"
    account_country: str = "US"

    @property
    def base_url(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")
