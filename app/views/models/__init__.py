"""The Models view: what is installed, a page for each model, and what can be done with it.

Nothing is imported here: the window imports the modules one by one, each in a turn of its own.
"""
