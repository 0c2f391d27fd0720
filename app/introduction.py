"""What the contract says before its operations: how a first call is made, and what each tag holds."""

DESCRIPTION = """
Makes invoices at Stripe, takes payments for them, and fulfills each paid invoice once. Amounts are whole numbers of the
currency's minor unit: `12000` is 120.00 USD. Times are RFC 3339.

## Authenticate

Send `Authorization: Bearer <key>` with every call. `make run` writes a key to `.data/dev-api-key`; `invoicing keys create`
makes one for production. Press **Authorize** to use a key on this page; your browser keeps it until you log out.

## A first call

`POST /v1/customers` with `{"name": "Jenny Rosen", "email": "jenny.rosen@example.com"}` answers a customer with an `id`. Then
`POST /v1/invoices` makes an invoice that can be paid:

```json
{"customer": "cus_QXg1", "days_until_due": 30, "finalize": true,
 "items": [{"amount": 4900, "currency": "usd", "description": "Travel"}]}
```

## Errors

An error is a problem document (`application/problem+json`). Decide by its `code`; `detail` is for people; `param` names the
field that is wrong. Tell us the `request_id` if you ask for help.

## Idempotency

Send an `Idempotency-Key` of your own with every call that changes something. If you get no answer, send the same call with the
same key again: it happens once, and you get the first answer.

## Lists

A list answers `data`, `has_more` and `next_cursor`. Send `cursor=<next_cursor>` for the next page.
"""

TAGS = {
    "products": "What you sell.",
    "prices": "What a product costs. An item of an invoice can have one, or an amount of its own.",
    "customers": "Who is invoiced. A customer's custom fields, footer and payment method are used for new invoices.",
    "payment methods": "What a customer saved to be charged to, and how a front end saves one.",
    "tax rates": "A percentage that you add to invoices by hand, and those that Stripe made for automatic tax.",
    "tax ids": "The VAT numbers of a customer, and what the authorities say of them.",
    "coupons": "What is taken off an invoice: a percentage or an amount.",
    "promotion codes": "Words by which a payer redeems a coupon.",
    "invoices": "From draft to paid: create, change, finalize, send, pay, void.",
    "invoice items": "The lines of a draft, at most 250.",
    "payments": "The payments of an invoice, and payments that are attached to it.",
    "payment links": "Pages of this service on which an invoice is paid.",
    "refunds": "Money that goes back to the customer.",
    "credit notes": "What reduces an invoice after it was finalized.",
    "disputes": "Payments that the customer contests at the bank.",
    "fulfillments": "Whether an invoice counts as paid, and what became of that.",
    "fulfillment actions": "What the service does after a payment, such as a mail or your own hook.",
    "events": "What happened, in order: as pages, as a stream, or pushed to your webhook endpoints.",
    "webhook endpoints": "Addresses of yours that are told of events.",
    "deliveries": "Each event that was sent to a webhook endpoint, and how that ended.",
    "webhook events": "What Stripe told this service, and whether it was dealt with.",
    "webhooks": "Where Stripe tells this service what happened.",
    "reports": "The money of each day, compared with Stripe's balance.",
    "API keys": "Who may call, and what.",
    "audit log": "Who changed what.",
    "health": "Whether the service is alive and ready.",
}
"""Each operation has one of these tags."""
