"""Models that come from this machine, from a bundle or from an address, and models that leave as a bundle.

What another program keeps is read, and never written or deleted. Everything here blocks on the disk: call it in threads.
"""
