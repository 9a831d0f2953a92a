"""The Chat view.

Nothing is imported here: the window imports the modules one by one, each in a turn of its own.
"""
