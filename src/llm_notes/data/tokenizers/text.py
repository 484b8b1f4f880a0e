"""Two questions about a text: has it a UTF-8 form, and how does it look on one line?"""

_LABELS = {" ": "␣", "\n": "↵", "\t": "⇥"}


class UnencodableTextError(ValueError):
    """The text holds half of a surrogate pair, which no UTF-8 text can."""


def require_encodable(text: str) -> None:
    """Raise UnencodableTextError at the first lone surrogate of a text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnencodableTextError(
            f"the text holds a lone surrogate, U+{ord(text[error.start]):04X}, at "
            f"position {error.start}; it is half a character and has no UTF-8 form. "
            "Decode the text anew, or drop the surrogates"
        ) from error


def printable(text: str) -> str:
    """A text as a label: on one line, with a sign for each invisible character."""
    return "".join(
        _LABELS.get(c) or (c if c.isprintable() else f"<U+{ord(c):04X}>") for c in text
    )
