"""The Storage view: what takes space, what was not used for long, the trash, cleaning up, moving the models folder.

Nothing is imported here: the window imports the modules one by one, each in a turn of its own.
"""
