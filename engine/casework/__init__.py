"""Decision and answers to what is owed now: decider, dependency graph, deadlines, lifting."""
