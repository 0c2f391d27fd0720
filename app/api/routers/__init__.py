"""One router per resource: each turns a request into a call of a service, and nothing more."""
