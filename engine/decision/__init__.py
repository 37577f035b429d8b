"""Policy and facts to a decision: the reference interpreter, durable_rules, and what follows from the rules that hold."""
