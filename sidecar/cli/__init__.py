"""The command line. It is a client of the HTTP API like any other program, but for `serve`, which is the service."""
