"""Synchronous context-free grammars: one derivation, two sentences, their alignment.

A rule (Lewis and Stearns 1968; Chiang 2005) rewrites one symbol in two languages at
once. Its two right sides have the same nonterminals, perhaps in another order:

    X -> ( VP[1] PLACE[2] , PLACE[2] VP[1] )

Words of a rule that translate each other are linked as well. So a derivation gives
both sentences and the truth about which word belongs to which.

This module knows no language: `grammar_clauses` has the rules of one grammar.
"""

import math
import random
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, product

Link = tuple[int, int]

_NONTERMINAL = re.compile(r"\[([^\s,\]]+),(\d+)\]")


@dataclass(frozen=True)
class Symbol:
    """A word, or a nonterminal with the index that links it to the other side."""

    name: str
    index: int | None = None  # of a nonterminal
    sure: frozenset[int] = frozenset()  # of a word
    possible: frozenset[int] = frozenset()  # sure links included

    @classmethod
    def parse(cls, text: str) -> "Symbol":
        """Read "[NP,1]" (a nonterminal), "book~1" (a linked word) or "的" (a word).

        A word may have several links; "了~1?" has one that is possible and not sure.
        """
        if match := _NONTERMINAL.fullmatch(text):
            return cls(match[1], int(match[2]))
        name, *links = text.split("~")
        return cls(
            name,
            sure=frozenset(int(link) for link in links if link.isdigit()),
            possible=frozenset(int(link.removesuffix("?")) for link in links),
        )


@dataclass(frozen=True)
class Rule:
    """left -> (english, chinese), with what a derivation has to know about it.

    Attributes:
        left: the nonterminal that is rewritten.
        english, chinese: the right sides.
        weight: how often the rule is drawn, beside the others for `left`.
        lemma: what a noun or a verb is called in combinations. The head of a rule
            without a lemma is that of its first nonterminal.
        joins: the indices of a verb and its object, whose heads this rule combines.

    Raises ValueError when the two sides do not have the same nonterminals, numbered
    from 1, or when the weight is not positive.
    """

    left: str
    english: tuple[Symbol, ...]
    chinese: tuple[Symbol, ...]
    weight: float = 1.0
    lemma: str | None = None
    joins: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError(f"the weight of a rule for {self.left} is {self.weight}")
        sides = [_nonterminals(side) for side in (self.english, self.chinese)]
        indices = [index for index, _ in sides[0]]
        if sides[0] != sides[1] or indices != list(range(1, len(indices) + 1)):
            raise ValueError(
                f"a rule for {self.left} has the nonterminals {sides[0]} in English "
                f"and {sides[1]} in Chinese; both need the same ones, numbered from 1"
            )

    @classmethod
    def parse(cls, left: str, english: str, chinese: str, **more) -> "Rule":
        """A rule from two right sides as text: see `Symbol.parse`.

        In the Chinese one, "[2]" is short for the English nonterminal of that index.
        """
        names = {index: name for name, index in _NONTERMINAL.findall(english)}
        for index, name in names.items():
            chinese = chinese.replace(f"[{index}]", f"[{name},{index}]")
        sides = (tuple(map(Symbol.parse, side.split())) for side in (english, chinese))
        return cls(left, *sides, **more)

    @cached_property
    def children(self) -> tuple[str, ...]:
        """The nonterminals, in order of their indices."""
        return tuple(name for _, name in _nonterminals(self.english))

    @cached_property
    def links(self) -> tuple[tuple[int, int, bool], ...]:
        """(place in English, place in Chinese, whether sure) of the linked words."""
        return tuple(
            (a, b, bool(source.sure & target.sure))
            for a, source in enumerate(self.english)
            for b, target in enumerate(self.chinese)
            if source.possible & target.possible
        )


@dataclass(frozen=True)
class SentencePair:
    """A sentence or phrase in two languages, and which words belong together.

    Attributes:
        english, chinese: the words.
        sure: the links (i, j) between English word i and Chinese word j that any
            annotator would draw, sorted. A word may have several links or none.
        possible: the links that may be drawn, sure ones included, sorted.
        combinations: the (verb, noun) pairs in which the noun is the verb's object.
    """

    english: tuple[str, ...]
    chinese: tuple[str, ...]
    sure: tuple[Link, ...]
    possible: tuple[Link, ...]
    combinations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Derivation:
    """A tree: a rule, and the derivations of its nonterminals, by index."""

    rule: Rule
    parts: tuple["Derivation", ...]

    @property
    def head(self) -> str | None:
        """The lemma of the noun or verb that the phrase is about, if it has one."""
        if self.rule.lemma or not self.parts:
            return self.rule.lemma
        return self.parts[0].head

    def pair(self) -> SentencePair:
        """The words at the leaves, in the order of each language, with their links."""
        english: list[str] = []
        chinese: list[str] = []
        sure: list[Link] = []
        possible: list[Link] = []
        combinations: list[tuple[str, str]] = []
        english_at = self._leaves("english", english, {})
        chinese_at = self._leaves("chinese", chinese, {})
        for node in self._nodes():
            for a, b, is_sure in node.rule.links:
                link = english_at[id(node), a], chinese_at[id(node), b]
                possible.append(link)
                if is_sure:
                    sure.append(link)
            if node.rule.joins:
                verb, noun = (node.parts[i - 1].head for i in node.rule.joins)
                if verb and noun:
                    combinations.append((verb, noun))
        return SentencePair(
            tuple(english),
            tuple(chinese),
            tuple(sorted(sure)),
            tuple(sorted(possible)),
            tuple(combinations),
        )

    def _nodes(self) -> Iterator["Derivation"]:
        yield self
        for part in self.parts:
            yield from part._nodes()

    def _leaves(
        self, side: str, words: list[str], at: dict[tuple[int, int], int]
    ) -> dict[tuple[int, int], int]:
        """Append one side's words; note where (node, place in its rule) went."""
        for place, symbol in enumerate(getattr(self.rule, side)):
            if symbol.index is None:
                at[id(self), place] = len(words)
                words.append(symbol.name)
            else:
                self.parts[symbol.index - 1]._leaves(side, words, at)
        return at


class SynchronousGrammar:
    """Rules without recursion: a finite language of sentence pairs.

    Raises ValueError when a nonterminal has no rule or can contain itself.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self.rules.setdefault(rule.left, []).append(rule)
        self._totals = {
            left: list(accumulate(rule.weight for rule in same))
            for left, same in self.rules.items()
        }
        self._counts: dict[str, int] = {}
        for left in self.rules:
            self._count(left, ())

    def count(self, symbol: str = "S") -> int:
        r"""The number of derivations of a symbol.

        $$N(X) = \sum_{X \to \alpha} \, \prod_{Y \in \alpha} N(Y)$$

        It is the number of distinct pairs when no pair has two derivations.
        """
        return self._counts[symbol]

    def sample(self, generator: random.Random, symbol: str = "S") -> Derivation:
        """Draw a derivation: each rule in proportion to its weight."""
        totals = self._totals[symbol]
        rule = self.rules[symbol][bisect(totals, generator.random() * totals[-1])]
        return Derivation(
            rule, tuple(self.sample(generator, child) for child in rule.children)
        )

    def derivations(self, symbol: str = "S") -> Iterator[Derivation]:
        """All derivations of a symbol: for phrases, as a whole grammar has too many."""
        for rule in self.rules[symbol]:
            parts = (list(self.derivations(child)) for child in rule.children)
            for chosen in product(*parts):
                yield Derivation(rule, chosen)

    def _count(self, symbol: str, above: tuple[str, ...]) -> int:
        if symbol in above:
            raise ValueError(f"{symbol} can contain itself: {' > '.join(above)}")
        if symbol not in self.rules:
            raise ValueError(f"{symbol} has no rule; it is used by {above[-1]}")
        if symbol not in self._counts:
            self._counts[symbol] = sum(
                math.prod(self._count(c, (*above, symbol)) for c in rule.children)
                for rule in self.rules[symbol]
            )
        return self._counts[symbol]


def _nonterminals(side: Sequence[Symbol]) -> list[tuple[int, str]]:
    return sorted((s.index, s.name) for s in side if s.index is not None)
