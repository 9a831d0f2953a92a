"""The Catalogue view: models that could be fetched, whether they fit this machine, and the page of the chosen one.

It shows what the service tells and fetches nothing itself.
"""
