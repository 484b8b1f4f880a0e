"""A question with choices: the page gives the reason for each, without a kernel."""

from collections.abc import Mapping

from llm_notes.widgets.page import PageWidget


def question(text: str, options: Mapping[str, str], right: str) -> PageWidget:
    """A question to answer in the page.

    Args:
        text: the question.
        options: for each choice the reason why it is right or wrong.
        right: the choice that is right.

    Raises:
        ValueError: for fewer than two choices, one without a reason, or a right one
            that is not among them.
    """
    if len(options) < 2:
        raise ValueError(f"a question needs two choices or more, got {len(options)}")
    if right not in options:
        raise ValueError(
            f"the right choice {right!r} is not among them: {', '.join(options)}"
        )
    for choice, reason in options.items():
        if not choice.strip() or not reason.strip():
            raise ValueError(
                f"the choice {choice!r} has no text or no reason: say for each why it "
                "is right or wrong"
            )
    data = {
        "text": text,
        "options": [
            {"text": choice, "reason": reason, "right": choice == right}
            for choice, reason in options.items()
        ],
    }
    choices = "; ".join(options)
    return PageWidget(
        "question",
        data,
        title=f"Question: {text}",
        description=f"{text} Choices: {choices}.",
        scripts=("explorers/question.js",),
        styles=("explorers/question.css",),
    )
