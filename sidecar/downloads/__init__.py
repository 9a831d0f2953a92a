"""Models on their way here: the queue, what it remembers, and how one model comes from the hub into the models folder."""
