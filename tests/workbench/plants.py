"""Faults to plant in the sound bundle: an edit, and the places at which it must be found, under which codes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.workbench.sound import BASIS, FILES

MAIN, BANK = "memoranda/arrears-main.yaml", "memoranda/arrears-bank.yaml"
INVOICES, MODEL = "memoranda/invoices.yaml", "memoranda/model.yaml"
GRADING, MORE = "memoranda/grading-main.yaml", "memoranda/grading-more.yaml"
ARREARS_LIST, INVOICES_LIST = "rules/lists/arrears.yaml", "rules/lists/invoices.yaml"
GRADING_LIST, MODEL_LIST = "rules/lists/grading.yaml", "rules/lists/model.yaml"
CREDIT, STARTER = "rules/tables/credit.yaml", "rules/tables/starter.yaml"

PROCUREMENT, POSTS, LARGE = "{subject.kind: enterprise}", "{tier: high}", "{amount: {gte: 500 万元}}"
MIDDLE = "      - {when: {amount: {gte: 50 万元}}, value: middle}"
LOW_ROW, HIGH_ROW = "{score: {lt: 60}}, then: {base: 1 万元}", "{score: {gte: 60}}, then: {base: 10 万元}"


@dataclass(frozen=True)
class Plant:
    """An edit, `old` to `new` in `path`, and what is to be found.

    at: "path: text" or "path: text +n": in this file the finding stands on the line with this text after the edit, or
    n lines below it; several if several are found.
    """

    code: str
    path: str
    old: str
    new: str
    at: tuple[str, ...]

    def files(self) -> dict[str, str]:
        """The sound bundle with the fault in it."""
        text = FILES[self.path]
        assert text.count(self.old) == 1, f"{self.old!r} stands {text.count(self.old)} times in {self.path}"
        return FILES | {self.path: text.replace(self.old, self.new)}

    def places(self) -> list[tuple[str, str, int]]:
        """Code, path and line of each finding that is expected."""
        files, found = self.files(), []
        for place in self.at:
            path, text = place.split(": ", 1)
            text, _, below = text.partition(" +")
            lines = [n for n, line in enumerate(files[path].splitlines(), 1) if line.strip() == text]
            assert len(lines) == 1, f"{text!r} stands on lines {lines} of {path}"
            found.append((self.code, path, lines[0] + int(below or 0)))
        return sorted(found)


def measure(name: str) -> str:
    """The file of a measure."""
    return f"rules/measures/{name}.yaml"


PLANTS: dict[str, Plant] = {
    # rules that never fire
    "thresholds that exclude each other": Plant(
        "XH200", BANK, "{amount: {gte: 10 万元}}", "{amount: {gte: 10 万元, lt: 5 万元}}", (f"{BANK}: - id: loans",)
    ),
    "a date before the rule is in force": Plant(
        "XH200", MAIN, f"when: {LARGE}", "valid: {from: 2022-01-01}\n    "
        "when: {decision_date: {lt: 2020-01-01, within: 6 months}}", (f"{MAIN}: - id: large",)
    ),
    "counts of records in two windows": Plant(
        "XH200", MORE, "{grade: D, count: {record: penalty, within: 1 year, gte: 1}}",
        "{count: {record: penalty, within: 1 year, gte: 2}, none: {record: penalty, within: 2 years}}",
        (f"{MORE}: - id: punished",)
    ),
    "a derived value that the rest excludes": Plant(
        "XH200", MAIN, LARGE, "{tier: low, amount: {gte: 100 万元}}", (f"{MAIN}: - id: large",)
    ),
    "a kind that is never listed": Plant(
        "XH124", MAIN, PROCUREMENT, "{subject.kind: village}", (f"{MAIN}: - id: procurement",)
    ),
    "a rule that ended before its memorandum": Plant(
        "XH124", GRADING, "  - id: easy", "  - id: easy\n    valid: {until: 2009-12-31}", (f"{GRADING}: - id: easy",)
    ),
    "a measure for other kinds": Plant(
        "XH124", measure("no-licence"), "directive:", "subjects: [natural-person]\ndirective:",
        (f"{INVOICES}: - oblige: no-licence",)
    ),
    "a row after one that takes all of it": Plant(
        "XH201", MAIN, MIDDLE, MIDDLE.replace("50 万元", "200 万元"),
        (f"{MAIN}: - {{when: {{amount: {{gte: 200 万元}}}}, value: middle}}",)
    ),
    "a row that contradicts itself": Plant(
        "XH201", MAIN, MIDDLE, MIDDLE.replace("gte: 50 万元", "gte: 50 万元, lt: 20 万元"),
        (f"{MAIN}: - {{when: {{amount: {{gte: 50 万元, lt: 20 万元}}}}, value: middle}}",)
    ),
    "a rule shadowed by another": Plant(
        "XH202", MAIN, "{harm: grave}", "{penalties: {gte: 3}}", (f"{MAIN}: - id: harmful",)
    ),
    "a rule shadowed by two together": Plant(
        "XH202", MAIN, LARGE, "{any: [{penalties: {gte: 4}}, {all: [{harm: grave}, {violence: true}]}]}",
        (f"{MAIN}: - id: large",)
    ),
    "a rule without a test": Plant(
        "XH142", "memoranda/invoices.test.yaml", "fires: [procurement, licence]", "fires: [procurement]",
        (f"{INVOICES}: - id: licence",)
    ),
    # tables
    "a gap": Plant("XH110", CREDIT, "{score: {gte: 60}}", "{score: {gt: 60}}", (f"{CREDIT}: table: credit",)),
    "an overlap": Plant(
        "XH111", CREDIT, "{score: {lt: 60}}", "{score: {lte: 60}}", (f"{CREDIT}: - {{when: {HIGH_ROW}}}",)
    ),
    "a row below one that takes all of it": Plant(
        "XH113", STARTER, "{score: {gte: 60}}", "{score: {gte: 95}}",
        (f"{STARTER}: - {{when: {{score: {{gte: 95}}}}, then: {{base: 3 万元}}}}",)
    ),
    "a row for nobody": Plant(
        "XH113", STARTER, "{score: {gte: 60}}", "{score: {gte: 60, lt: 50}}",
        (f"{STARTER}: - {{when: {{score: {{gte: 60, lt: 50}}}}, then: {{base: 3 万元}}}}",)
    ),
    # directives
    "a favour and a burden in one memorandum": Plant(
        "XH125", GRADING, "{grade: A}", "{grade: {in: [A, C]}}", (f"{GRADING}: - oblige: check-licence",)
    ),
    "a favour and a burden in two memoranda": Plant(
        "XH203", MORE, "grade: D, ", "", (f"{MORE}: - oblige: check-licence",)
    ),
    "an incentive that nothing suspends": Plant(
        "XH204", MODEL, "    unless: {exists: {record: listing, where: {severe: true}}}\n",
        "    when: {debts: {lt: 1 万元}}\n", (f"{MODEL}: - oblige: praise",)
    ),
    "an incentive that looks at the wrong list": Plant(
        "XH204", MODEL, "{severe: true}", "{kind: watch}", (f"{MODEL}: - oblige: praise",)
    ),
    "an incentive on a sanction list": Plant(
        "XH104", MAIN, "oblige: letter", "oblige: subsidy", (f"{MAIN}: - oblige: subsidy",)
    ),
    # how long
    "a managerial measure after its basis": Plant(
        "XH205", measure("letter"), "credit-law", "old-law", (f"{MAIN}: - oblige: letter",)
    ),
    "a restrictive measure after its basis": Plant(
        "XH121", measure("no-posts"), "credit-law", "old-law", (f"{MAIN}: - oblige: no-posts",)
    ),
    "a measure longer than its list": Plant(
        "XH206", measure("letter"), "basis:", "term: 5 years\nbasis:", (f"{MAIN}: - oblige: letter",)
    ),
    "a measure's term beyond the legal maximum": Plant(
        "XH207", measure("caution"), "max: 2 years", "max: 1 year", (f"{BANK}: - oblige: caution",)
    ),
    "a listing without end beyond the legal maximum": Plant(
        "XH207", ARREARS_LIST, "length: 3 years", "length: 3 years, until_performed: {conduct: [refuse]}",
        (f"{MAIN}: - oblige: no-posts",)
    ),
    "an extension beyond the legal maximum": Plant(
        "XH207", ARREARS_LIST, "length: 3 years", "length: 3 years, extension: 1 year",
        (f"{MAIN}: - oblige: no-posts",)
    ),
    "a list without exit": Plant(
        "XH169", GRADING_LIST, "{length: 1 year}", "{}", (f"{GRADING_LIST}: procedure:",)
    ),
    # whom the basis reaches
    "no basis": Plant("XH120", measure("letter"), f"basis:\n  - {BASIS}", "basis: []", (f"{MAIN}: - oblige: letter",)),
    "a basis of too low a rank": Plant(
        "XH121", measure("no-licence"), "credit-law", "notice", (f"{INVOICES}: - oblige: no-licence",)
    ),
    "a basis that misses the role": Plant(
        "XH121", measure("no-posts"), "roles: [legal-representative]", "roles: [principal]",
        (f"{MAIN}: - oblige: no-posts",)
    ),
    "a basis that misses the kind": Plant(
        "XH121", MAIN, PROCUREMENT, "{subject.kind: {in: [enterprise, natural-person]}}",
        (f"{MAIN}: - oblige: no-procurement",)
    ),
    "a basis for another list": Plant(
        "XH122", measure("caution"), "lists: [arrears]", "lists: [invoices]", (f"{BANK}: - oblige: caution",)
    ),
    "two bases that each miss someone": Plant(
        "XH122", measure("caution"), "covers: {lists: [arrears]}, max: 2 years}",
        "covers: {subjects: [enterprise]}}\n"
        "  - {law: credit-law, article: 第一条, covers: {subjects: [natural-person]}}",
        (f"{BANK}: - oblige: caution",)
    ),
    # waiting
    "a circle in one memorandum": Plant(
        "XH094", MAIN, "        by: [tax]\n", "        by: [tax]\n        after: [no-procurement]\n",
        (f"{MAIN}: - oblige: publish",)
    ),
    "a circle of two memoranda": Plant(
        "XH208", BANK, "        by: [tax]\n", "        by: [tax]\n        after: [no-procurement]\n",
        (f"{MAIN}: - oblige: no-procurement",)
    ),
    "departments that wait for each other's answers": Plant(
        "XH208", MAIN, POSTS, "{tier: high, response: {measure: letter, by: finance, outcome: implemented}}",
        (f"{MAIN}: - id: posts", f"{MAIN}: - id: instead")
    ),
    # facts that nobody reads
    "a fact of the list that no rule reads": Plant(
        "XH151", ARREARS_LIST, "procedure:\n", "  workers: {type: integer, title: 人数}\nprocedure:\n",
        (f"{ARREARS_LIST}: workers: {{type: integer, title: 人数}}",)
    ),
    "a derived fact that no rule reads": Plant(
        "XH150", MAIN, "derive:\n", "derive:\n  - {fact: violent, title: 暴力抗税, when: {violence: true}}\n",
        (f"{MAIN}: - {{fact: violent, title: 暴力抗税, when: {{violence: true}}}}",)
    ),
    "a derived fact that repeats a rule": Plant(
        "XH150", BANK, "rules:\n",
        "derive:\n  - {fact: heavy, title: 欠税较多, when: {amount: {gte: 10 万元}}}\nrules:\n",
        (f"{BANK}: - {{fact: heavy, title: 欠税较多, when: {{amount: {{gte: 10 万元}}}}}}",)
    ),
    # confirmation and punishment
    "a refusal declared managerial": Plant(
        "XH209", measure("no-licence"), "class: restrictive", "class: managerial",
        (f"{INVOICES}: - oblige: no-licence",)
    ),
    "a list without decision": Plant(
        "XH209", INVOICES_LIST, "  notice: {}\n  decision: {}\n  service: {within: 7 working days}\n", "",
        (f"{INVOICES}: - oblige: no-licence", f"{INVOICES}: - oblige: no-procurement")
    ),
    "one conduct punished by two memoranda": Plant(
        "XH210", BANK, "oblige: no-procurement", "oblige: no-bidding",
        (f"{MAIN}: - oblige: no-procurement",)
    ),
    "one conduct on two lists": Plant(
        "XH210", INVOICES_LIST, "misstate: 虚假申报", "misstate: 逃避缴税", (f"{INVOICES}: - oblige: no-procurement",)
    ),
    # proportion
    "more money, lighter": Plant(
        "XH211", BANK, "{amount: {gte: 10 万元}}", "{amount: {lt: 10 万元}}", (f"{BANK}: - oblige: caution",)
    ),
    "violence, lighter": Plant(
        "XH211", MAIN, "{violence: true}", "{violence: false}", (f"{MAIN}: - oblige: no-posts",)
    ),
    "graver harm, lighter": Plant(
        "XH211", MAIN, "{harm: {in: [serious, grave]}}", "{harm: minor}", (f"{MAIN}: - oblige: check-licence",)
    ),
    "more records, lighter": Plant(
        "XH211", MAIN, "{harm: grave}", "{penalties: {lt: 1}}", (f"{MAIN}: - id: harmful +3",)
    ),
    "an incentive gained by being worse": Plant(
        "XH211", MODEL, "{debts: {lt: 10 万元}}", "{debts: {gte: 10 万元}}", (f"{MODEL}: - oblige: fast-licence",)
    ),
    "a higher limit for the worse": Plant(
        "XH212", CREDIT, LOW_ROW, LOW_ROW.replace("1 万元", "20 万元"), (f"{MODEL}: - limit: credit",)
    ),
    "a limit for the worse alone": Plant(
        "XH212", MODEL, "{debts: {lt: 50 万元}}", "{debts: {gte: 50 万元}}", (f"{MODEL}: - limit: credit",)
    ),
}  # fmt: skip
