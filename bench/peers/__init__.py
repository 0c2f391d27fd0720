"""Other programs that take in Stripe's deliveries, as their own documentation sets them up; scenarios/peers.py says what each does.

They are installed into .data/peers (install.py), never into the service's environment. `requirements.txt` is made from
`requirements.in` by `uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header`.
"""
