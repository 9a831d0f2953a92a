"""Classify one text or a list of texts with a trained classifier.

Nothing is imported here: the window imports the modules one by one, each in a turn of its own.
"""
