"""The only package that speaks to the hub of models: what is there, what of it is needed and safe, fetching one file.

Everything here blocks and belongs in threads; the hub's library is imported with the first request, never at the start.
"""
