"""The Downloads view: what is on its way, how far it is, what went wrong and what to do about it.

It shows what the service tells and fetches nothing itself.
"""
