"""The first page: what this machine can do, the models that are ready to use, and those worth downloading for it."""
