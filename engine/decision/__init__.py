"""From policy and facts to a decision: two engines, and what follows from the rules that hold."""
