"""Small reusable pieces of the window, one a file. They know the theme, never the service, the store or a view."""
