"""The oracle: the same calls at Stripe and here, and what differs.

checks      what is done, as data; each switch has a check that would settle it
performing  does it at one place, and keeps what was answered in a form that can be compared
comparing   what differs between two such forms, and what that says of the switches
recordings  such forms as files
"""
