"""Short answers to questions: exact match and token F1, as SQuAD scores them.

Knows English articles and punctuation, and no meaning: "two" and "2" differ.
"""

import re
import string
from collections import Counter

from llm_notes.metrics.classification import harmonic_mean
from llm_notes.metrics.references import References, reference_list

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalise_answer(text: str) -> str:
    """The form in which answers are compared (Rajpurkar et al. 2016).

    Lower case; ASCII punctuation is taken out (so "U.S." is "us", and "well-known"
    becomes one word); then the articles a, an, the; white space is one blank. Chinese
    punctuation stays.
    """
    text = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(answer: str, references: References) -> float:
    """1 when the answer, normalised, is one of the references, else 0.

    Args:
        references: a right answer, or several.

    Raises ValueError when there is no reference.
    """
    normalised = normalise_answer(answer)
    right = {normalise_answer(reference) for reference in reference_list(references)}
    return float(normalised in right)


def token_f1(answer: str, references: References) -> float:
    """The overlap of an answer's words with the nearest reference's, 0 to 1.

    Words are what white space separates after `normalise_answer`, and each counts as
    often as it occurs in both. When a side is empty, the score is 1 if both are, else
    0 (Rajpurkar et al. 2018).

    Args:
        references: a right answer, or several; the best F1 counts.

    Raises ValueError when there is no reference.
    """
    return max(_f1(answer, reference) for reference in reference_list(references))


def _f1(answer: str, reference: str) -> float:
    given, right = (normalise_answer(text).split() for text in (answer, reference))
    if not given or not right:
        return float(given == right)
    common = (Counter(given) & Counter(right)).total()
    return harmonic_mean(common / len(given), common / len(right))
