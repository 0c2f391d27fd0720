"""The headers of the payment pages, among them their Content-Security-Policy.

No inline script runs. Besides the service itself, only Stripe's script and frames are allowed: the origins that Stripe
documents for Stripe.js, and those in STRIPE_JS_URL and STRIPE_API_BASE. The logo comes from the origin of
PAYMENT_PAGE_LOGO_URL.
"""

from urllib.parse import urlsplit

from app.settings import Settings

STRIPE_FRAMES = ("https://*.js.stripe.com", "https://hooks.stripe.com")


def page_headers(settings: Settings) -> dict[str, str]:
    script = origin(settings.stripe_js_url)
    logo = [origin(settings.payment_page_logo_url)] if settings.payment_page_logo_url else []
    policy = {
        "default-src": ["'none'"],
        "script-src": ["'self'", script, "https://*.js.stripe.com"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "https://*.stripe.com", *logo],
        "connect-src": ["'self'", origin(settings.stripe_api_base)],
        "frame-src": [script, *STRIPE_FRAMES],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return {
        "Content-Security-Policy": "; ".join(" ".join([name, *sources]) for name, sources in policy.items()),
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        "Referrer-Policy": "strict-origin",  # Stripe.js wants the origin; the address holds the token
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",  # some wallets open a window
    }


def origin(url: str) -> str:
    """The origin of `url`, in the form a policy uses."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
