"""Which models this installation knows, what their folders hold, and which version a name stands for."""
