"""Faults: processes killed, hanging, wrong."""
