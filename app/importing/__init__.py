"""The dialog that imports models: from this machine, from a file or a folder, from an address.

Nothing is imported here: the window imports the modules one by one, each in a turn of its own.
"""
