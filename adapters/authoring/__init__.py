"""What policy staff write and read outside the compiler: formatted YAML, annex tables, and the rule book."""
