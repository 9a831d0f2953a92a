"""The worker process: holds one model and serves the frames that arrive on its standard input."""
