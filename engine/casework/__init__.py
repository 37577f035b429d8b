"""Decision and answers to what is owed now: decider, dependency graph, deadlines, lifting."""

from engine.casework.deciding import ACTIONS, CASE_ACTIONS, available_actions, available_case_actions, decide
from engine.casework.evolving import evolve, fold

__all__ = ["ACTIONS", "CASE_ACTIONS", "available_actions", "available_case_actions", "decide", "evolve", "fold"]
