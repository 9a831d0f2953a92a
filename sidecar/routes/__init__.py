"""The routes: thin functions between HTTP and the manager, and the one table that declares them."""
