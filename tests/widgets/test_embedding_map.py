"""Word vectors can be walked on: neighbours and analogies in all dimensions."""

import base64
import json
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from llm_notes.models.nearest import analogy, nearest
from llm_notes.widgets.embedding_layouts import kept_neighbours, pca_axes, tsne
from llm_notes.widgets.embedding_map import (
    MAX_NUMBERS,
    embedding_map,
    int8_directions,
)

HOSTILE = "<img src=x onerror='hacked=1'></script><script>hacked=1</script>\u202e"
N_WORDS, WIDTH = 60, 12
WORDS = ["king", "Queen", "man", "woman", *(f"word{i}" for i in range(N_WORDS - 4))]
WORDS[7] = HOSTILE


def clustered(n=N_WORDS, width=WIDTH, n_clusters=6, seed=0):
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(n_clusters, width))
    noise = 0.4 * generator.normal(size=(n, width))
    lengths = generator.uniform(0.1, 30, size=(n, 1))  # only directions may count
    return lengths * (centres[np.arange(n) % n_clusters] + noise)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ranked(vectors, query, exclude=()):
    """The reference: NumPy on whole vectors, best first."""
    cosines = unit(vectors) @ (query / np.linalg.norm(query))
    order = [i for i in np.argsort(-cosines, kind="stable") if i not in exclude]
    return order, cosines


def data_of(widget):
    (text,) = re.findall(r"data-llm-data>(.*?)</script>", widget.html)
    return json.loads(text)


def decoded(text, dtype, width):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(-1, width)


# The layouts -------------------------------------------------------------------------


def test_pca_finds_the_plane_in_which_points_lie():
    generator = np.random.default_rng(3)
    plane, _ = np.linalg.qr(generator.normal(size=(7, 2)))
    flat = generator.normal(size=(40, 2)) * [3, 1]
    mean, axes, share = pca_axes(flat @ plane.T + 5)
    assert share == pytest.approx(1)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-12)
    projected = (flat @ plane.T + 5 - mean) @ axes.T
    np.testing.assert_allclose(
        np.linalg.norm(projected, axis=1),
        np.linalg.norm(flat - flat.mean(axis=0), axis=1),
    )


def test_pca_of_points_on_a_line_has_no_second_axis_of_its_own():
    _, axes, share = pca_axes(np.outer([1.0, 2, 3, 5], [1, 0, -1]))
    assert share == pytest.approx(1)
    assert np.isfinite(axes).all()


def test_tsne_keeps_more_neighbours_than_pca_and_is_the_same_each_time():
    vectors = unit(clustered(n=80, n_clusters=10))
    mean, axes, _ = pca_axes(vectors)
    flat = (vectors - mean) @ axes.T
    places = tsne(vectors, flat)
    np.testing.assert_array_equal(places, tsne(vectors, flat))
    assert kept_neighbours(vectors, places) > kept_neighbours(vectors, flat) + 0.1


def test_tsne_parts_equal_vectors_and_stays_finite():
    vectors = np.repeat(np.eye(5), 4, axis=0)
    places = tsne(vectors, np.zeros((20, 2)))
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == 20


def test_a_map_that_is_the_space_keeps_all_neighbours():
    angles = np.linspace(0, 3, 15) ** 1.1
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert kept_neighbours(circle, 2 * circle, 4) == 1
    generator = np.random.default_rng(0)
    assert kept_neighbours(circle, generator.normal(size=(15, 2)), 4) < 0.6


# Python ------------------------------------------------------------------------------


def test_eight_bits_keep_directions():
    vectors = clustered(n=30, width=50)
    codes = int8_directions(vectors)
    assert codes.dtype == np.int8 and np.abs(codes).max(axis=1).min() == 127
    cosines = (unit(codes.astype(float)) * unit(vectors)).sum(axis=1)
    assert cosines.min() > 0.9998


def test_the_stated_error_is_that_of_the_cosines():
    vectors = clustered()
    data = data_of(embedding_map(WORDS, vectors))
    codes = decoded(data["codes"], np.int8, WIDTH).astype(float)
    difference = unit(vectors) @ unit(vectors).T - unit(codes) @ unit(codes).T
    assert data["error"] == pytest.approx(np.abs(difference).max())
    assert 0 < data["error"] < 0.02


def test_groups_and_chosen_words_are_on_the_map_wherever_they_stand():
    widget = embedding_map(
        WORDS,
        clustered(),
        groups={"late": ["word50", "word51"], "people": ["man"]},
        start="word40",
        analogy=("word41", "man", "woman"),
        n_shown=10,
    )
    data = data_of(widget)
    wanted = {"word50", "word51", "man", "woman", "word40", "word41"}
    assert wanted < {WORDS[place] for place in data["shown"]}
    assert len(data["shown"]) == 10
    assert data["group_of"][WORDS.index("word51")] == 0
    assert data["group_of"][2] == 1 and data["group_of"][0] == -1


def test_the_description_names_the_nearest_words():
    vectors = clustered()
    order, cosines = ranked(vectors, unit(vectors)[2], exclude=[2])
    text = embedding_map(WORDS, vectors, start="man").description
    assert f"{WORDS[order[0]]} {cosines[order[0]]:.2f}" in text
    assert f"{N_WORDS} of {N_WORDS} words" in text and f"{WIDTH} numbers" in text


def test_a_tensor_will_do():
    vectors = torch.tensor(clustered(), requires_grad=True)
    assert data_of(embedding_map(WORDS, vectors))["dimensions"] == WIDTH


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": WORDS[:-1]}, "a row for each"),
        ({"vectors": np.ones(N_WORDS)}, "a row for each"),
        ({"vectors": np.ones((N_WORDS, 1))}, "D of at least 2"),
        ({"words": ["a"] * N_WORDS}, "must come once"),
        ({"words": ["", *WORDS[1:]]}, "not empty"),
        ({"words": WORDS[:3], "vectors": clustered(3)}, "at least 4"),
        ({"vectors": np.zeros((N_WORDS, 3))}, "'king' is zero or not finite"),
        ({"vectors": np.full((N_WORDS, 3), np.nan)}, "'king' is zero or not finite"),
        ({"vectors": np.ones((N_WORDS, MAX_NUMBERS // 50))}, "too many for a page"),
        ({"start": "nobody"}, "'nobody' is not among"),
        ({"analogy": ("king", "man")}, "three words, got 2"),
        ({"groups": {"a": ["king"], "b": ["king"]}}, "in two groups"),
        ({"groups": {"a": "king"}}, "give a list of words"),
        ({"groups": {str(i): [] for i in range(7)}}, "at most 6"),
        ({"n_shown": 3}, "can be told apart"),
    ],
)
def test_what_makes_no_map_is_refused(change, message):
    arguments = {"words": WORDS, "vectors": clustered()} | change
    with pytest.raises(ValueError, match=message):
        embedding_map(**arguments)


def test_python_answers_in_full_precision():
    vectors = clustered()
    widget, sent = embedding_map(WORDS, vectors), []
    widget.live.send = sent.append
    for request in (
        {"plus": [5], "exclude": [5], "n": 4},
        {"plus": [1, 2], "minus": [0], "exclude": [1, 0, 2], "n": 3},
        {"plus": [N_WORDS]},
        {"plus": []},
        {"plus": [True]},
    ):
        widget._receive(widget.live, {"id": "1", "request": request}, [])
    table = torch.tensor(vectors)
    ids, cosines = nearest(table, table[5], 4, exclude=[5])
    assert sent[0]["answer"]["places"] == ids.tolist()
    np.testing.assert_allclose(sent[0]["answer"]["cosines"], cosines.numpy())
    ids, cosines = analogy(table, 0, 1, 2, 3)  # the page's b - a + c
    assert sent[1]["answer"]["places"] == ids.tolist()
    np.testing.assert_allclose(sent[1]["answer"]["cosines"], cosines.numpy())
    assert "from 0 to 59" in sent[2]["error"] and "from 0 to 59" in sent[4]["error"]
    assert "at least one word" in sent[3]["error"]


# The page ----------------------------------------------------------------------------


def shown_map(**more):
    return embedding_map(
        WORDS,
        clustered(),
        groups={"people": ["king", "Queen", "man", "woman"], HOSTILE: ["word9"]},
        analogy=("king", "man", "woman"),
        n_shown=20,
        **more,
    )


@pytest.fixture
def open_page(open_html):
    def open_at(width=1000, theme="light", fragment="", widget=None):
        return open_html((widget or shown_map()).html, width, theme, fragment)

    return open_at


def field_of(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def listed(page, label):
    rows = page.get_by_role("list", name=label, exact=True)
    names = rows.locator(".llm-ranked-name").all_inner_texts()
    cosines = rows.locator(".llm-ranked-cosine").all_inner_texts()
    return names, [float(cosine) for cosine in cosines]


@pytest.mark.browser
def test_neighbours_are_those_of_numpy_on_the_eight_bits(open_page):
    page = open_page()
    codes = int8_directions(clustered()).astype(float)
    for text, place in (("word20", 24), ("man", 2)):
        field_of(page, "word").fill(text)
        order, cosines = ranked(codes, unit(codes)[place], exclude=[place])
        expect(page.get_by_text(f"Nearest to {text},")).to_be_visible()
        names, found = listed(page, "nearest words")
        shown = [WORDS[i] for i in order[:10]]
        assert [n for n in names if "img" not in n] == [s for s in shown if s[0] != "<"]
        np.testing.assert_allclose(found, cosines[order[:10]], atol=6e-4)
    all_found = page.evaluate(
        """([codes, width]) => {
          const vectors = llmNotes.embedding.vectors(codes, width);
          return Array.from({ length: vectors.count }, (_, i) =>
            vectors.nearest({ plus: [i], exclude: [i], n: 100 }));
        }""",
        [data_of(shown_map())["codes"], WIDTH],
    )
    for place, answer in enumerate(all_found):
        order, cosines = ranked(codes, unit(codes)[place], exclude=[place])
        assert answer["places"] == [int(i) for i in order]
        np.testing.assert_allclose(answer["cosines"], cosines[order], atol=1e-12)


@pytest.mark.browser
def test_an_analogy_leaves_out_its_words_and_says_what_they_would_change(open_page):
    page = open_page()
    codes = unit(int8_directions(clustered()).astype(float))
    query = codes[0] - codes[2] + codes[3]
    order, cosines = ranked(codes, query)
    others = [i for i in order if i not in (0, 2, 3)]
    names, found = listed(page, "answers")
    assert names[0] == WORDS[others[0]]
    np.testing.assert_allclose(found, cosines[others[:8]], atol=6e-4)
    note = page.get_by_text("The three words themselves are left out.")
    expect(note).to_contain_text(f"{WORDS[order[0]]} ({cosines[order[0]]:.3f})")
    page.get_by_label("leave out a, b and c").uncheck()
    names, _ = listed(page, "answers")
    assert names[0] == WORDS[order[0]]
    expect(page.get_by_text("All words may answer.")).to_contain_text(WORDS[others[0]])
    assert page.locator(".llm-map-step").count() in (1, 2)  # to an answer on the map


@pytest.mark.browser
def test_all_of_it_works_by_keys(open_page):
    page = open_page()
    field = field_of(page, "word")
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("queen")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Queen")  # found in spite of its capital
    page.keyboard.press("Control+A")
    page.keyboard.type("wo")
    page.keyboard.press("Enter")
    expect(field).to_have_value("woman")  # the first that begins so
    page.locator(".llm-ranked-word").first.focus()
    page.keyboard.press("ArrowDown")
    chosen = page.evaluate(
        "document.activeElement.querySelector('.llm-ranked-name').textContent"
    )
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Nearest to {chosen},")).to_be_visible()
    # The list is new, and the hand is still in it.
    assert page.evaluate("document.activeElement.className") == "llm-ranked-word"
    page.locator(".llm-map").focus()
    before = page.locator(".llm-map .llm-map-mark").first.get_attribute("transform")
    for key in ("+", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        after = page.locator(".llm-map .llm-map-mark").first.get_attribute("transform")
        assert after != before
        before = after
    # Fields, choices, buttons, two lists: no stop for each word.
    stops = page.evaluate(
        """() => [...document.querySelectorAll(
          "input, select, button, summary, [tabindex]")]
          .filter((one) => one.tabIndex >= 0).length"""
    )
    assert stops < 30


@pytest.mark.browser
def test_a_word_that_is_not_there_is_said_to_be_missing(open_page):
    page = open_page()
    field = field_of(page, "word")
    top = page.locator(".llm-map").bounding_box()["y"]
    field.fill("zebra")
    field.press("Enter")
    expect(page.locator(".llm-word-note").first).to_have_text(
        "zebra is not among the words"
    )
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Nearest to king,")).to_be_visible()
    assert page.locator(".llm-map").bounding_box()["y"] == top  # it moves nothing
    field.fill("word4")
    expect(field).to_have_attribute("aria-invalid", "false")


@pytest.mark.browser
def test_a_map_says_how_many_neighbours_it_keeps(open_page):
    page = open_page()
    maps = data_of(shown_map())["maps"]
    status = page.locator('p[role="status"]').first
    for i, name in enumerate(("PCA", "t-SNE")):
        field_of(page, "map").select_option(name)
        expect(status).to_contain_text(f"{name}:")
        expect(status).to_contain_text(f"{round(100 * maps[i]['kept'])} %")
        label = page.locator(".llm-map-drawing").get_attribute("aria-label")
        assert label.startswith(f"Map by {name} of 20 words") and "king" in label
    # A word that is not on this map is in the list all the same.
    field_of(page, "word").fill("word44")
    assert page.get_by_text("not on this map").count() > 0
    assert page.locator(".llm-map-mark").count() == 20 + 2  # and the legend's
    field_of(page, "map").select_option("PCA")
    assert page.get_by_text("not on this map").count() == 0


@pytest.mark.browser
def test_a_click_on_a_point_chooses_its_word(open_page):
    page = open_page()
    mark = page.locator(".llm-map .llm-map-mark").first
    box = mark.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator(".llm-map-drawing").get_attribute("aria-label")
    chosen = field_of(page, "word").input_value()
    assert f"Lines go from {chosen}" in label
    page.get_by_role("button", name="close-up").click()
    page.get_by_role("button", name="zoom in").click()
    page.get_by_role("button", name="show the whole map").click()
    assert page.locator(".llm-map .llm-map-mark").count() >= 20


@pytest.mark.browser
def test_a_view_can_be_linked(open_page):
    page = open_page()
    field_of(page, "word").fill("word33")
    field_of(page, "map").select_option("t-SNE")
    field_of(page, "b").fill("word10")
    page.wait_for_timeout(500)
    again = open_page(fragment="#" + page.url.partition("#")[2])
    expect(field_of(again, "word")).to_have_value("word33")
    expect(field_of(again, "map")).to_have_value("t-SNE")
    expect(field_of(again, "b")).to_have_value("word10")
    label = again.locator(".llm-map-drawing").get_attribute("aria-label")
    assert "king − word10 + woman" in label
    odd = open_page(fragment="#~a-map-of-words?word=9&analogy=[1]&neighbours=x")
    expect(odd.get_by_text("Nearest to king,")).to_be_visible()


@pytest.mark.browser
def test_a_link_on_the_page_and_the_way_back_change_the_view(open_page):
    page = open_page()
    key = "#~a-map-of-words?word="
    page.evaluate("to => { location.hash = to; }", f"{key}word33&map=t-SNE")
    expect(field_of(page, "word")).to_have_value("word33")
    expect(field_of(page, "map")).to_have_value("t-SNE")
    page.evaluate("to => { location.hash = to; }", f"{key}word10&show=analogy")
    expect(field_of(page, "word")).to_have_value("word10")
    drawing = page.locator(".llm-map-drawing")
    assert "king − man + woman" in drawing.get_attribute("aria-label")
    page.go_back()
    expect(field_of(page, "word")).to_have_value("word33")
    assert "Lines go from word33" in drawing.get_attribute("aria-label")
    assert page.url.endswith("word33&map=t-SNE")  # to look is not to change it


@pytest.mark.browser
def test_the_table_has_each_word_of_the_map(open_page):
    page = open_page()
    page.locator("summary").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(20)
    codes = unit(int8_directions(clustered()).astype(float))
    cells = rows.nth(2).locator("td").all_inner_texts()
    assert cells[:2] == ["man", "people"]
    assert float(cells[-1]) == pytest.approx(codes[0] @ codes[2], abs=6e-5)


@pytest.mark.browser
def test_in_a_kernel_pythons_answer_takes_the_place_of_the_pages(open_page):
    page = open_page()
    found = page.evaluate(
        """async (data) => {
          const mount = document.createElement("div");
          document.querySelector("main").append(mount);
          const asked = [];
          const ask = async (request) => {
            asked.push(request);
            if (request.n === 5) {
              throw new Error("the kernel is gone");
            }
            return { places: [9], cosines: [0.125] };
          };
          llmNotes.widgets.embedding(mount, data, { ask, file: null, key: null });
          await llmNotes.dom.slice();
          const seen = () => [
            mount.querySelector(".llm-ranked").textContent, mount.textContent,
          ];
          const first = seen();
          const slider = mount.querySelector("input[type=range]");
          slider.value = 5;
          slider.dispatchEvent(new Event("input"));
          await llmNotes.dom.slice();
          const second = seen();
          mount.remove();
          return [first, second, asked];
        }""",
        data_of(shown_map()),
    )
    (first, text), (second, later), asked = found
    assert first == "word5 0.125" and "by Python, in full precision" in text
    assert second.count("0.") == 5 and "the kernel is gone" in later
    assert {"plus": [0], "minus": [], "exclude": [0], "n": 10} in asked


@pytest.mark.browser
def test_hostile_words_leave_no_element_and_run_no_code(open_page):
    page = open_page(widget=shown_map(start=HOSTILE, title=HOSTILE))
    for label in ("word", "a", "b", "c"):
        field_of(page, label).fill(HOSTILE)
        field_of(page, label).press("Enter")
    field_of(page, "word").fill("<img src=x onerror='hacked=2'>")
    field_of(page, "word").press("Enter")
    page.locator("summary").click()
    page.wait_for_timeout(500)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked === undefined")


@pytest.mark.browser
def test_a_megabyte_of_a_word_does_not_hang_the_page(open_page):
    words = ["x" * 1_000_000, *WORDS[1:]]
    page = open_page(360, widget=embedding_map(words, clustered()))
    expect(page.get_by_text("Nearest to x")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert len(page.locator(".llm-map-drawing").get_attribute("aria-label")) < 2000


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, theme, width):
    page = open_page(width, theme)
    field_of(page, "c").fill("nobody")
    field_of(page, "c").press("Enter")
    page.locator("summary").click()
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], node["html"][:160]) for v in found for node in v["nodes"][:3]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
