"""What the models take on the disk: measuring it, the trash, cleaning up, and moving the models folder elsewhere."""
