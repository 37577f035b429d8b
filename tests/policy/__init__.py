"""The default bundle: its citations and its tests."""
