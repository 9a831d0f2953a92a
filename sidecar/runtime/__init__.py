"""Models in worker processes: the parent's side of each worker, what stays in memory, and the manager on top."""
