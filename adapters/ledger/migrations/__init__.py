"""The schema's history; each file is one step and is never edited once released."""
