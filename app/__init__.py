"""The Inglenook window. It talks to the service through its public HTTP API only."""
