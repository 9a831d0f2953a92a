"""The settings page: the window's own preferences, and every setting of the service from its table.

Nothing is imported here: the window imports the modules one by one, each in a turn of its own.
"""
