"""The deep checks, one subject a file: each a function from what it looks at to its findings, every one witnessed."""
