"""The ways in: HTTP, console, command line."""
