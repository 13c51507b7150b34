"""Who we are to the services."""
