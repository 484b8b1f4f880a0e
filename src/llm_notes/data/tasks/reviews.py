"""Short reviews with their sentiment, in English and Chinese.

The reviews were written for this book one at a time, from no template and no public
set: ten domains, each with as many that praise as that complain. Most say what they
think in plain words. About a fifth are hard: negation, irony, understatement, or
praise of everything but what matters. There a model that counts words has to guess.

Several hundred reviews are enough to compare classifiers and to see why they fail, far
too few to rank good ones. This module knows no tokenizer and no model.
"""

from dataclasses import dataclass
from functools import cache

from llm_notes.data.tasks.json_lines import read_json_lines
from llm_notes.data.tasks.splits import in_language, require_language, stratified_split

LABELS = ("negative", "positive")  # a label's place is its class: 0, 1
DOMAINS = (
    "apps",
    "books",
    "courses",
    "films",
    "gadgets",
    "hotels",
    "kitchen",
    "museums_and_parks",
    "restaurants",
    "trains_and_airlines",
)
FIELDS = {
    "id": str,
    "language": str,
    "domain": str,
    "text": str,
    "label": str,
    "hard": bool,
}


@dataclass(frozen=True)
class Review:
    """What somebody thought of something.

    Args:
        id: the language, the domain and a number, such as "en-films-01".
        language: "en" or "zh".
        domain: what is reviewed, one of `DOMAINS`.
        text: the review.
        label: "positive" or "negative", the writer's verdict as a whole.
        hard: whether the words mislead: negation, contrast, irony, understatement.

    Raises ValueError when language, domain or label is none of those known.
    """

    id: str
    language: str
    domain: str
    text: str
    label: str
    hard: bool

    def __post_init__(self) -> None:
        require_language(self.language)
        for name, known in (("domain", DOMAINS), ("label", LABELS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{self.id}: {name} is {getattr(self, name)!r}; "
                    f"it must be one of {', '.join(known)}"
                )


def reviews(language: str | None = None) -> tuple[Review, ...]:
    """The reviews of the book, in the order of the file: English, then Chinese.

    Args:
        language: "en" or "zh" for those in one language, None for all.

    Raises ValueError for another language. The file is read once.
    """
    return in_language(_read(), language)


def split_reviews(
    language: str | None = None, validation_share: float = 0.2, seed: int = 0
) -> tuple[list[Review], list[Review]]:
    """Hold out some of the reviews, nearly the same share of each kind.

    Args:
        language: as in `reviews`.
        validation_share: the share to hold out, between 0 and 1.
        seed: it alone decides which reviews are held out.

    Returns:
        (train, validation), both in the order of the file. In each, either label has
        half of the reviews of a language, give or take one review.

    Raises ValueError as `reviews` and `stratified_split` do.
    """
    return stratified_split(reviews(language), stratum, validation_share, seed)


def stratum(review: Review) -> tuple[str, ...]:
    """Language, label, whether it is hard, and domain: for `stratified_split`."""
    # Domain last: its runs of ten would beat in time with one review in five.
    return review.language, review.label, str(review.hard), review.domain


@cache
def _read() -> tuple[Review, ...]:
    """All reviews, checked."""
    return tuple(Review(**row) for row in read_json_lines("reviews.jsonl", FIELDS))
