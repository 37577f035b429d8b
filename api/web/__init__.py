"""Pages for people without a login: plain HTML that needs no script."""
