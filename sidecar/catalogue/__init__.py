"""Models that could be fetched: the built-in list, what the hub finds, and what each would be on this machine.

It decides what is told and recommended. It fetches no model and loads none.
"""
