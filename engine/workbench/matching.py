"""What people call a department, a law or a measure, and which of the policy's that most likely is.

A match is sure only if the name is one that the thing bears or bore, or the same with another level's prefix or suffix
(财政部, 省财政厅, 财政局), and only one thing has it. Anything else is a suggestion with a note for the reader.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.language.ir import Law, Policy
from engine.workbench.sentences import numeral

SEPARATORS = re.compile(r"[、，,；;\n/]+")
NUMBERED = re.compile(r"^\s*(?:[（(]?[一二三四五六七八九十\d]+[）)、.．])\s*")
PREFIX = re.compile(
    "^(?:中华人民共和国|国家|全国|中国|中央|最高|各级|各|本|[一-龥]{2,3}(?:省|市|县|区)|[省市县区]委|[省市县区]级?)+"
)
SUFFIX = re.compile("(?:总局|总署|总公司|总社|委员会|办公室|委|部|厅|局|办|署|会)$")
JOINING = re.compile("[和与及、\\s（）]")
ROLE = re.compile("[（(](?:牵头|配合|负责|会同|等)[^）)]*[）)]|(?:牵头|负责|配合|等单位|等部门|等)$")
VERSION = re.compile(r"（\d{4}年?(?:修[订正]|修改|版|文本|第.次修[订正])+）$")
CITED = re.compile(r"《([^《》]+)》(?:（([^（）]{2,40}号)）)?([^《]*)")
ARTICLE = re.compile(r"第([零〇一二三四五六七八九十百\d]+)条(之[一二三四五六七八九十])?([^、，,；;。\s《]*)")
NUMBER_ONLY = re.compile(r"[一-龥]{1,10}〔\d{4}〕\d+号")
MOST = 9_999  # articles; the civil code, the longest law, has 1,260
GUESS = 0.6  # names at least this like are suggested
LIKE = 0.4  # measures at least this like are suggested
SAME_LAW = 0.85  # titles of laws at least this like are suggested
FORMER = 0.05
SHORT = 3  # characters from which an abbreviation (市场监管) says enough


@dataclass(frozen=True, slots=True)
class Match:
    """The id that a text most likely means, `None` if nothing is near; `note` says in Chinese what to look at."""

    text: str
    id: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """An article of a law that the policy has; without `article` it is only a note about what was not found."""

    law: str | None
    article: str | None
    note: str = ""


class Matcher:
    """Looks up names in one policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.names: defaultdict[str, set[str]] = defaultdict(set)  # name as written → departments
        self.cores: defaultdict[str, set[str]] = defaultdict(set)
        for department in policy.departments.values():
            for name in (department.title, *(n.name for n in department.names)):
                self.names[plain(name)].add(department.id)
                for core in cores(name):
                    self.cores[core].add(department.id)
        self.laws: defaultdict[str, list[Law]] = defaultdict(list)
        for law in policy.laws.values():
            for name in {law_key(law.title), law_key(law.title).removeprefix("中华人民共和国")}:
                self.laws[name].append(law)
        self.exact = {_brackets(plain(law.title)): law for law in policy.laws.values()}
        self.titles = {i: words(measure.title) for i, measure in policy.measures.items()}
        seen = Counter(word for title in self.titles.values() for word in set(title))
        self.rarity = {word: math.log(1 + len(self.titles) / count) for word, count in seen.items()}

    # --- departments ---------------------------------------------------------------------------------------------

    def departments(self, text: str) -> tuple[Match, ...]:
        """Every department in a cell, in order and without doubles."""
        rest, found = unicodedata.normalize("NFKC", text), []
        for name in sorted((n for n in self.names if SEPARATORS.search(n)), key=len, reverse=True):
            if name in plain(rest):  # a name with a comma of its own
                found.append(name)
                rest = plain(rest).replace(name, "、")
        parts = [ROLE.sub("", NUMBERED.sub("", part)).strip() for part in SEPARATORS.split(rest)]
        matches = [self.department(part) for part in (*found, *parts) if plain(part)]
        return tuple({m.id or m.text: m for m in reversed(matches)}.values())[::-1]

    def department(self, text: str) -> Match:
        """The department that one name means."""
        for known, keys in ((self.names, [plain(text)]), (self.cores, cores(text))):
            hits = {i for key in keys for i in known.get(key, ())}
            if len(hits) == 1:
                return Match(text, hits.pop())
            if hits:
                return Match(text, min(hits), f"“{text}”可指 {self._titled(sorted(hits))}，暂取第一个")
        ranked = sorted(((self._likeness(text, i), i) for i in self.policy.departments), key=lambda r: (-r[0], r[1]))
        near = [i for score, i in ranked if score >= GUESS][:3]
        if not near:
            closest = self._titled([i for _, i in ranked[:2]])
            return Match(text, None, f"没有找到实施单位“{text}”，最接近的是 {closest}")
        other = f"；其次 {self._titled(near[1:])}" if near[1:] else ""
        return Match(text, near[0], f"“{text}”按相近名称取 {self._titled(near[:1])}{other}")

    def _likeness(self, text: str, identifier: str) -> float:
        """The name it bears weighs a little more than those it bore."""
        department = self.policy.departments[identifier]
        names = [(department.title, 0.0), *((n.name, FORMER) for n in department.names)]
        return max(
            likeness(mine, theirs) - less
            for name, less in names
            for mine in cores(text) or [text]
            for theirs in cores(name)
        )

    def _titled(self, ids: Sequence[str]) -> str:
        return "、".join(f"{i}（{self.policy.departments[i].title}）" for i in ids)

    # --- measures ------------------------------------------------------------------------------------------------

    def measure(self, text: str, kind: str) -> Match:
        """The measure of a kind (`incentive`, `sanction`; any other = both) whose title is most like a text."""
        known = {
            i: m for i, m in self.policy.measures.items() if kind not in {"incentive", "sanction"} or m.kind == kind
        }
        exact = sorted(i for i, m in known.items() if plain(m.title) == plain(text))
        if len(exact) == 1:
            return Match(text, exact[0])
        mine = words(text)
        ranked = sorted(((self._cosine(mine, self.titles[i]), i) for i in known), key=lambda r: (-r[0], r[1]))

        def shown(some: Iterable[tuple[float, str]]) -> str:
            return "、".join(f"{i}“{known[i].title}”（{score:.0%}）" for score, i in some)

        score, best = ranked[0] if ranked else (0.0, "")
        if score < LIKE:
            return Match(text, None, f"没有相近的措施，新建了一个；最接近的是 {shown(ranked[:2])}")
        other = shown([(score, i) for score, i in ranked[1:3] if score])
        return Match(text, best, f"措施按文字相近取 {shown(ranked[:1])}" + (f"；其次 {other}" if other else ""))

    def _cosine(self, one: Counter[str], two: Counter[str]) -> float:
        dot = sum(count * two[word] * self.rarity.get(word, 1.0) ** 2 for word, count in one.items())
        return dot / (self._length(one) * self._length(two) or 1.0)

    def _length(self, text: Counter[str]) -> float:
        return math.sqrt(sum((count * self.rarity.get(word, 1.0)) ** 2 for word, count in text.items()))

    # --- laws ----------------------------------------------------------------------------------------------------

    def citations(self, text: str) -> tuple[Cited, ...]:
        """Every article cited in a cell; what the policy does not have comes as a note."""
        tidy = _brackets(unicodedata.normalize("NFKC", text))
        found: list[Cited] = []
        rest = tidy
        for hit in CITED.finditer(tidy):
            rest = rest.replace(hit[0], " ", 1)
            found += self._cited(hit[1], hit[2], hit[3])
        for hit in NUMBER_ONLY.finditer(rest):
            rest = rest.replace(hit[0], " ", 1)
            laws = [law for law in self.policy.laws.values() if law.number and _brackets(law.number) == hit[0]]
            found += [self._article(law, "", "") for law in laws] or [Cited(None, None, f"没有收录文件 {hit[0]}")]
        left = re.sub(r"[\s、，,；;。.等及和（）()\d]+", "", rest)
        if left and not found:
            found.append(Cited(None, None, f"没有看出依据是哪份文件：“{rest.strip()}”"))
        return tuple(dict.fromkeys(found))

    def _cited(self, title: str, number: str | None, after: str) -> Iterable[Cited]:
        key, note = law_key(title), ""
        exact = self.exact.get(_brackets(plain(title)))
        laws = [exact] if exact else self.laws.get(key) or self.laws.get(key.removeprefix("中华人民共和国")) or []
        if number and len(laws) != 1:
            laws = [law for law in laws or self.policy.laws.values() if law.number and _brackets(law.number) == number]
        if not laws:
            near = difflib.get_close_matches(key, self.laws, n=1, cutoff=SAME_LAW)
            laws = self.laws[near[0]] if near else []
            note = f"《{title}》按相近名称取《{laws[0].title}》" if laws else ""
        if not laws:
            near = difflib.get_close_matches(key, self.laws, n=1, cutoff=GUESS)
            other = f"，最接近的是《{self.laws[near[0]][0].title}》" if near else ""
            yield Cited(None, None, f"没有收录《{title}》{other}：读过原文后在 rules/laws/ 中新建，再写依据")
            return
        law = max(laws, key=lambda found: (found.validity.start is not None, found.validity.start, found.id))
        if len(laws) > 1:
            note = f"《{title}》有 {len(laws)} 个版本，取 {law.id}"
        named = [a for a in sorted(law.articles, key=len, reverse=True) if a != "全文" and plain(a) in plain(after)]
        kept: list[str] = []
        for article in named:  # 第十条 stands in 第十条之一 too
            if not any(article in longer for longer in kept):
                kept.append(article)
        stated = [(chinese(hit[1]) + (hit[2] or ""), hit[0]) for hit in ARTICLE.finditer(after)]
        if not stated and not kept:
            yield self._article(law, "", note)
        for article in kept:
            if not ARTICLE.match(article):
                yield Cited(law.id, article, note)
        for article, raw in stated:
            yield self._article(law, article, note, raw)
            note = ""

    def _article(self, law: Law, article: str, note: str, raw: str = "") -> Cited:
        if not article and "全文" in law.articles:
            return Cited(law.id, "全文", note)
        if not article:
            return Cited(law.id, None, f"《{law.title}》没有写明条款：在依据中写明第几条")
        if article not in law.articles:
            return Cited(
                law.id, None,
                f"《{law.title}》没有收录{article}：读过原文后在 rules/laws/{law.id}.yaml 的 articles 中补上，再写依据",
            )  # fmt: skip
        extra = raw.partition("条")[2].removeprefix("之")
        if "至" in extra or "到" in extra:
            note = f"《{law.title}》{raw}是一个范围，只取了{article}"
        return Cited(law.id, article, note)


def plain(text: str) -> str:
    """A name without blanks and with half-width forms folded, for comparison."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def cores(name: str) -> list[str]:
    """A department's name without its level and its form: 省财政厅, 财政部 and 财政局 all give 财政."""
    bare = JOINING.sub("", plain(name))
    found = []
    for text in dict.fromkeys((bare, PREFIX.sub("", bare))):
        core = SUFFIX.sub("", text)
        if len(core) > 1:
            found.append(core)
    return found


def likeness(one: str, two: str) -> float:
    """How alike two cores are, from 0 to 1; an abbreviation (市场监管 for 市场监督管理) counts for much."""
    short, long = sorted((one, two), key=len)
    letters = iter(long)
    if short in long:
        return 0.9
    if short[0] == long[0] and all(letter in letters for letter in short):
        return 0.8 if len(short) >= SHORT else 0.7
    return difflib.SequenceMatcher(None, one, two, autojunk=False).ratio()


def law_key(title: str) -> str:
    """A law's title for comparison, without its version."""
    return VERSION.sub("", plain(title).replace("(", "（").replace(")", "）"))


def words(text: str) -> Counter[str]:
    """The pairs of neighbouring characters of a text."""
    letters = re.sub(r"[^\w]|_", "", plain(text))
    return Counter(a + b for a, b in pairwise(letters))


def chinese(number: str) -> str:
    """第N条 with N in Chinese numerals."""
    if not number.isdigit():
        return f"第{number.replace('〇', '零')}条"
    return f"第{numeral(int(number)) if int(number) <= MOST else number}条"


def _brackets(text: str) -> str:
    """Half-width brackets as Chinese texts have them, and those of a year in a document's number."""
    text = text.replace("(", "（").replace(")", "）").replace("〈", "<").replace("〉", ">")
    return re.sub(r"[\[【〔（](\d{4})[\]】〕）]", r"〔\1〕", text)
