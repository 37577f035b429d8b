"""Where in the policy's files a thing stands of which the compiled policy does not say: a term, a department.

The files are parsed again, each once and only when asked for.
"""

from __future__ import annotations

from engine.language.diagnostics import Reporter
from engine.language.ir import Limit as LimitConsequence
from engine.language.ir import Oblige, Policy, Rule, Span
from engine.language.source import Mapping, Node, Scalar, Sequence, descend, read

Path = tuple[str | int, ...]


class Places:
    """The source trees of one policy's files."""

    def __init__(self, policy: Policy) -> None:
        self._sources = policy.sources
        self._trees: dict[str, Mapping | None] = {}
        self._rules: dict[str, dict[str, int]] = {}

    def tree(self, path: str) -> Mapping | None:
        """A file's tree; `None` when the policy was not compiled from files."""
        if path not in self._trees:
            content = self._sources.get(path)
            self._trees[path] = read(path, content, Reporter()) if content is not None else None
        return self._trees[path]

    def node(self, path: str, *steps: str | int) -> Node | None:
        """The node at `steps`, if the file says anything there."""
        tree = self.tree(path)
        if tree is None:
            return None
        node, _, taken = descend(tree, steps)
        return node if taken == len(steps) else None

    def key(self, around: Span, *steps: str | int) -> Span:
        """Where the key or the item at `steps` stands in the file of `around`; else its nearest parent, or `around`."""
        tree = self.tree(around.path)
        if tree is None:
            return around
        _, span, taken = descend(tree, steps)
        return span if taken else around

    def item(self, around: Span, word: str, *steps: str | int) -> Span:
        """Where `word` stands in the list at `steps`."""
        node = self.node(around.path, *steps)
        if isinstance(node, Sequence):
            for item in node.items:
                if isinstance(item, Scalar) and item.value == word:
                    return item.span
        return self.key(around, *steps)

    def rule(self, rule: Rule) -> Path:
        """The steps to a rule."""
        path = rule.span.path
        if path not in self._rules:
            rules = self.node(path, "rules")
            items = rules.items if isinstance(rules, Sequence) else []
            ids = [item.items.get("id") if isinstance(item, Mapping) else None for item in items]
            self._rules[path] = {found.value: n for n, found in enumerate(ids) if isinstance(found, Scalar)}
        return "rules", self._rules[path].get(rule.id.partition("/")[2], 0)

    def consequence(self, rule: Rule, consequence: Oblige | LimitConsequence) -> Path:
        """The steps to a consequence of a rule."""
        at = self.rule(rule)
        then = self.node(rule.span.path, *at, "then")
        spans = [item.span for item in then.items] if isinstance(then, Sequence) else []
        return *at, "then", spans.index(consequence.span) if consequence.span in spans else 0

    def case(self, span: Span) -> Path | None:
        """The steps to the test case, or the step of one, that stands at `span`."""
        cases = self.node(span.path, "cases")
        for n, case in enumerate(cases.items if isinstance(cases, Sequence) else ()):
            if case.span == span:
                return "cases", n
            steps = case.items.get("steps") if isinstance(case, Mapping) else None
            for k, step in enumerate(steps.items if isinstance(steps, Sequence) else ()):
                if step.span == span:
                    return "cases", n, "steps", k
        return None
