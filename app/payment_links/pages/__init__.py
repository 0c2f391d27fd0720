"""The payment pages: what a person with a payment link sees. HTML in templates/, scripts and styles in static/."""
