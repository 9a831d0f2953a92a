"""The service: runs models in worker processes and serves them over HTTP. It knows nothing of the window."""

__version__ = "0.1.0"
