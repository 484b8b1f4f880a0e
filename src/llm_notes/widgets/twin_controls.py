"""The controls of an explorer as HTML, for a page without a kernel.

They say `data-llm-control`, from which `static/explore/fields.js` takes over.
"""

from html import escape

from llm_notes.widgets.controls import Control


def control_html(control: Control) -> str:
    """Return the control as native, labelled elements that stand at the start."""
    make = {
        "slider": _slider_html,
        "dropdown": _dropdown_html,
        "checkbox": _checkbox_html,
        "radio": _radio_html,
        "text": _text_html,
    }[control.kind]
    tag = "fieldset" if control.kind == "radio" else "div"
    play = " data-llm-play" if control.play else ""
    return (
        f'<{tag} class="llm-explore-control" data-llm-control="{control.kind}"{play}>'
        f"{make(control, f'<span>{escape(control.label)}</span>')}</{tag}>"
    )


def _slider_html(control: Control, name: str) -> str:
    text = escape(control.texts[control.start])
    field = (
        f'<input type="range" min="0" max="{len(control.values) - 1}" step="1" '
        f'value="{control.start}" aria-valuetext="{text}" autocomplete="off">'
    )
    # The slider's own value text is read aloud; the output is its picture.
    return f'<label>{name} {field}</label> <output aria-live="off">{text}</output>'


def _dropdown_html(control: Control, name: str) -> str:
    options = "".join(
        f"<option{' selected' if i == control.start else ''}>{escape(text)}</option>"
        for i, text in enumerate(control.texts)
    )
    return f'<label>{name} <select autocomplete="off">{options}</select></label>'


def _checkbox_html(control: Control, name: str) -> str:
    checked = " checked" if control.start else ""
    field = f'<input type="checkbox" autocomplete="off"{checked}>'
    return f"<label>{field} {name}</label>"


def _radio_html(control: Control, name: str) -> str:
    # The script names the group: a name in the markup would join two explorers.
    buttons = [
        f'<label><input type="radio" autocomplete="off"'
        f"{' checked' if i == control.start else ''}> "
        f"<span>{escape(text)}</span></label>"
        for i, text in enumerate(control.texts)
    ]
    return f"<legend>{name}</legend>{''.join(buttons)}"


def _text_html(control: Control, name: str) -> str:
    field = (
        f'<input type="text" value="{escape(control.texts[control.start])}" '
        'autocomplete="off" spellcheck="false" dir="auto">'
    )
    return f"<label>{name} {field}</label>"
