"""Decision and answers to what is owed now: decider, dependency graph, deadlines, lifting."""

from engine.casework.deciding import ACTIONS, available_actions, decide
from engine.casework.evolving import evolve, fold

__all__ = ["ACTIONS", "available_actions", "decide", "evolve", "fold"]
