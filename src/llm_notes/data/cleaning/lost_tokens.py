"""What it would cost to strip punctuation or function words, as some guides advise.

It is advice for counting topics in a bag of words. A language model can never write a
token that was taken out of all its texts, so this module measures and cleans nothing.
It knows English function words; for another language, pass others.
"""

import re
from collections.abc import Set
from dataclasses import dataclass

from llm_notes.data.cleaning.words import between_words, words

# The closed classes: articles, pronouns, prepositions, conjunctions, auxiliaries,
# and the particles of negation and place. New nouns are coined daily; these are not.
_CLOSED_CLASSES = """
a an the this that these those each every either neither some any no all both such
i you he she it we they me him her us them my your his its our their mine yours
hers ours theirs myself yourself himself herself itself ourselves themselves
who whom whose which what when where why how
of in on at by for with from to into onto upon about above below under over between
among through during before after against within without until since per via as
and or but nor so yet if unless because although though while whereas than whether
am is are was were be been being have has had having do does did doing
will would shall should can could may might must ought
not only also too very then there here again once own same other
isn't aren't wasn't weren't haven't hasn't hadn't don't doesn't didn't
won't wouldn't shan't shouldn't can't couldn't mightn't mustn't oughtn't
i'm i've i'll i'd you're you've you'll you'd he's he'll he'd she's she'll she'd
it's it'll it'd we're we've we'll we'd they're they've they'll they'd
that's that'll that'd there's there'll here's who's who'll who'd what's where's how's
"""
# Where an apostrophe belongs to its word. To `words` it is a mark, but U+02BC, which
# looks the same, is a letter.
_INNER_APOSTROPHE = re.compile(
    r"(?<=[a-z])['’](?=(?:t|s|d|m|ll|re|ve)\b)", re.IGNORECASE
)
ENGLISH_FUNCTION_WORDS = frozenset(_CLOSED_CLASSES.split())


@dataclass(frozen=True)
class LostTokens:
    """Words and marks of a text, and how many of them two removals would destroy."""

    n_tokens: int
    n_function_words: int
    n_marks: int

    @property
    def function_word_share(self) -> float:
        """The share of tokens that removing function words ("stop words") destroys."""
        return self.n_function_words / self.n_tokens if self.n_tokens else 0.0

    @property
    def mark_share(self) -> float:
        """The share of tokens that removing punctuation and symbols destroys."""
        return self.n_marks / self.n_tokens if self.n_tokens else 0.0


def lost_tokens(
    text: str, function_words: Set[str] = ENGLISH_FUNCTION_WORDS
) -> LostTokens:
    """Count what stripping would take out of a text.

    A token here is a word of `words`, or a run of punctuation and symbols between white
    space and words, such as a comma or `):` (GPT-2 cuts a text in much the same way).
    English contractions and possessives are one word: don't, it's, Ann's.

    Args:
        text: any text.
        function_words: in lower case; the text's own case does not matter.
    """
    text = _INNER_APOSTROPHE.sub("\u02bc", text)
    found = [word.lower().replace("\u02bc", "'") for word in words(text)]
    n_marks = len(between_words(text).split())
    return LostTokens(
        n_tokens=len(found) + n_marks,
        n_function_words=sum(word in function_words for word in found),
        n_marks=n_marks,
    )
