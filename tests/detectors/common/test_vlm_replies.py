"""Replies as vision-language models write them, each with what it says: where things are, how many, or nothing."""

import pytest

from countcheck.detectors.common.vlm_numbers import number_of_token, token_distribution
from countcheck.detectors.common.vlm_replies import read_reply

SIZE = (800, 600)  # as sent
PIG, BOTH = ["pig"], ["pig", "wolf"]
NOTHING = {}

# Nouns asked for, reply, what is read: a list of the middles of the things in thousandths of the picture, a bare number
# that cannot be drawn, or nothing for a noun that is left out.
TABLE = [
    # Molmo 2: number of the picture, then number, x, y of each point, of a thousand
    (PIG, '<points coords="1 1 308 305 2 752 377">pigs</points>', {"pig": [(308, 305), (752, 377)]}),
    (PIG, '<points coords="1 1 050 900">pig</points>', {"pig": [(50, 900)]}),
    (PIG, '<points coords="1 1 500 500"/>', {"pig": [(500, 500)]}),
    (PIG, '<points coords="1 1 073 160 2 173 600 3 258 725" alt="pigs">the pigs</points>',
     {"pig": [(73, 160), (173, 600), (258, 725)]}),
    (PIG, 'Counting the <points coords="1 1 105 205 2 300 400">pigs</points> shows a total of 2.',
     {"pig": [(105, 205), (300, 400)]}),
    (PIG, '<tracks coords="1 1 100 100;1 2 200 200">pigs</tracks>', {"pig": [(100, 100), (200, 200)]}),
    (PIG, "There are none.", {"pig": 0}),
    (PIG, "This isn't in the image.", {"pig": 0}),
    # Molmo: percentages
    (PIG, ' <point x="63.5" y="44.5" alt="pig">pig</point>', {"pig": [(635, 445)]}),
    (PIG, '<points x1="9.1" y1="11.7" x2="17.2" y2="41.3" x3="99.0" y3="1" alt="the pigs">the pigs</points>',
     {"pig": [(91, 117), (172, 413), (990, 10)]}),
    (BOTH, '<point x="10" y="20" alt="pig">pig</point> and <point x="50" y="60" alt="wolf">wolf</point>',
     {"pig": [(100, 200)], "wolf": [(500, 600)]}),
    (PIG, "<point x='12.5' y='50.0'>pig</point>", {"pig": [(125, 500)]}),
    # Qwen3-VL: JSON, of a thousand
    (PIG, '[{"bbox_2d": [100, 200, 300, 400], "label": "pig"}]', {"pig": [(200, 300)]}),
    (BOTH, '```json\n[\n\t{"bbox_2d": [0, 0, 100, 100], "label": "pig"},\n\t{"bbox_2d": [200, 0, 400, 100], "label": "wolf"}\n]\n```',
     {"pig": [(50, 50)], "wolf": [(300, 50)]}),
    (BOTH, '[{"bbox_2d": [0, 0, 100, 100], "label": "pig"}]', {"pig": [(50, 50)], "wolf": []}),
    (BOTH, "```json\n[]\n```", {"pig": [], "wolf": []}),
    (PIG, '[{"point_2d": [394, 105], "label": "pig 1"}, {"point_2d": [602, 120], "label": "pig 2"}]',
     {"pig": [(394, 105), (602, 120)]}),
    (PIG, '{"bbox_2d": [10, 10, 30, 30], "label": "pig"}\n{"bbox_2d": [50, 10, 70, 30], "label": "pig"}',
     {"pig": [(20, 20), (60, 20)]}),
    (PIG, 'There are two: [{"bbox_2d": [10, 10, 30, 30], "label": "a pig"}, {"bbox_2d": [50, 10, 70, 30], "label": "a pig"}] Done.',
     {"pig": [(20, 20), (60, 20)]}),
    (PIG, '[{"bbox_2d": [[10, 10, 30, 30], [50, 10, 70, 30]], "label": "pigs"}]', {"pig": [(20, 20), (60, 20)]}),
    (PIG, '[{"bbox_2d": [10, 10, 30, 30], "label": "pig"}, {"bbox_2d": [10, 10, 30, 30], "label": "pig"}]',
     {"pig": [(20, 20)]}),
    (PIG, '<think>Maybe [{"bbox_2d": [1, 1, 2, 2], "label": "pig"}]?</think>[{"bbox_2d": [10, 10, 30, 30], "label": "pig"}]',
     {"pig": [(20, 20)]}),
    # Qwen-VL, InternVL, DeepSeek-VL, GLM: tags
    (PIG, "<ref>pig</ref><box>(100,200),(300,400)</box>", {"pig": [(200, 300)]}),
    (PIG, "<ref>the pigs</ref><box>(100,200),(300,400)</box><box>(500,200),(700,400)</box>",
     {"pig": [(200, 300), (600, 300)]}),
    (PIG, "<|object_ref_start|>pig<|object_ref_end|><|box_start|>(100,200),(300,400)<|box_end|>", {"pig": [(200, 300)]}),
    (BOTH, "<ref>pig</ref><box>[[100, 200, 300, 400], [500, 200, 700, 400]]</box> <ref>wolf</ref><box>[[0, 0, 20, 20]]</box>",
     {"pig": [(200, 300), (600, 300)], "wolf": [(10, 10)]}),
    (PIG, "<|ref|>pig<|/ref|><|det|>[[100, 200, 300, 400]]<|/det|>", {"pig": [(200, 300)]}),
    (PIG, "<|begin_of_box|>[[100,200,300,400],[500,200,700,400]]<|end_of_box|>", {"pig": [(200, 300), (600, 300)]}),
    # location tokens: PaliGemma with y first, Florence-2
    (PIG, "<loc0256><loc0512><loc0768><loc1023> pig", {"pig": [(750, 500)]}),
    (BOTH, "<loc0000><loc0000><loc0512><loc0512> pig ; <loc0512><loc0512><loc1023><loc1023> wolf",
     {"pig": [(250, 250)], "wolf": [(750, 750)]}),
    (PIG, "pig<loc_100><loc_200><loc_300><loc_400><loc_500><loc_200><loc_700><loc_400>", {"pig": [(200, 300), (600, 300)]}),
    # Gemini: y first
    (PIG, '[{"box_2d": [200, 100, 400, 300], "label": "pig"}]', {"pig": [(200, 300)]}),
    (PIG, '[{"point": [300, 200], "label": "pig"}]', {"pig": [(200, 300)]}),
    # Moondream, and shares in general
    (PIG, '{"objects": [{"x_min": 0.1, "y_min": 0.2, "x_max": 0.3, "y_max": 0.4}]}', {"pig": [(200, 300)]}),
    (PIG, '{"points": [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}]}', {"pig": [(250, 500), (750, 500)]}),
    (PIG, '[{"bbox": [0.1, 0.2, 0.3, 0.4], "label": "pig"}]', {"pig": [(200, 300)]}),
    # pixels, where they cannot be thousandths
    (PIG, '[{"bbox_2d": [100, 200, 300, 400], "label": "pig"}, {"bbox_2d": [700, 1, 1010, 9], "label": "pig"}]',
     {"pig": [(200, 300), (850, 5)]}),  # 1010 is outside 800 pixels too: a little over a thousand
    # other JSON
    (PIG, '{"pig": [[100, 200, 300, 400], [500, 200, 700, 400]]}', {"pig": [(200, 300), (600, 300)]}),
    (BOTH, '{"pig": [[100, 200, 300, 400]], "wolf": []}', {"pig": [(200, 300)], "wolf": []}),
    (PIG, '{"detections": [{"class": "Pig", "box": {"x1": 100, "y1": 200, "x2": 300, "y2": 400}}]}', {"pig": [(200, 300)]}),
    (PIG, '{"pig": {"count": 1, "boxes": [[100, 200, 300, 400]]}}', {"pig": [(200, 300)]}),
    (PIG, '[{"name": "pig", "x": 100, "y": 200, "width": 200, "height": 200}]', {"pig": [(200, 300)]}),
    (PIG, "[{'bbox_2d': [100, 200, 300, 400], 'label': 'pig'},]", {"pig": [(200, 300)]}),
    (PIG, '[["pig", 100, 200, 300, 400]]', {"pig": [(200, 300)]}),
    (PIG, '[{"label": "pig", "bbox": "100, 200, 300, 400"}]', {"pig": [(200, 300)]}),
    (PIG, '[{"bbox_2d": [300, 400, 100, 200], "label": "pig"}]', {"pig": [(200, 300)]}),  # corners the wrong way round
    (PIG, "[[100, 200, 300, 400]]", {"pig": [(200, 300)]}),
    # plain text
    (PIG, "(120, 340), (400, 200)", {"pig": [(120, 340), (400, 200)]}),
    (BOTH, "- Pig: (120, 340), (400, 200)\n- Wolf: (10, 20)", {"pig": [(120, 340), (400, 200)], "wolf": [(10, 20)]}),
    (PIG, "1. Pig at (100, 200, 300, 400)", {"pig": [(200, 300)]}),
    # names: number, capitals, adjectives; a thing of another name is none that was asked for
    (PIG, '[{"bbox_2d": [10, 10, 30, 30], "label": "Pink Pig"}]', {"pig": [(20, 20)]}),
    (PIG, '[{"bbox_2d": [10, 10, 30, 30], "label": "guinea pig"}]', NOTHING),
    (BOTH, '[{"bbox_2d": [10, 10, 30, 30], "label": "pig"}, {"bbox_2d": [50, 10, 70, 30], "label": "dog"}]',
     {"pig": [(20, 20)]}),  # whether the dog is a wolf cannot be told
    (["teddy bear", "bear"], '[{"bbox_2d": [10, 10, 30, 30], "label": "teddy bear"}]',
     {"teddy bear": [(20, 20)], "bear": []}),
    (BOTH, '[{"bbox_2d": [10, 10, 30, 30]}]', NOTHING),  # which of the two it is is not said
    (PIG, '[{"bbox_2d": [10, 10, 30, 30], "label": "猪"}]', NOTHING),
    (PIG, '[{"bbox_2d": [10, 10, 30, 30], "label": "cerdo"}]', NOTHING),
    # bare numbers
    (PIG, "3", {"pig": 3}),
    (PIG, "**Three**.", {"pig": 3}),
    (PIG, '{"pig": 3}', {"pig": 3}),
    (BOTH, 'Sure! ```json\n{"Pigs": "3", "wolf": 1.0}\n``` Enjoy.', {"pig": 3, "wolf": 1}),
    (PIG, '{"count": 4}', {"pig": 4}),
    (BOTH, "I see three pigs and one wolf.", {"pig": 3, "wolf": 1}),
    (BOTH, "| pig | 3 |\n| wolf | 0 |", {"pig": 3, "wolf": 0}),
    (PIG, "There are no pigs in this picture.", {"pig": 0}),
    (PIG, "I'm 90% sure: 5.", {"pig": 5}),
    (PIG, "Hay 3 cerdos.", {"pig": 3}),
    (PIG, "图中有3只猪。", {"pig": 3}),
    (PIG, "Es sind 4 Schweine zu sehen.", {"pig": 4}),
    # no number
    (PIG, "", NOTHING),
    (PIG, "3 or 4", NOTHING),
    (PIG, "pigs: 3-4", NOTHING),
    (PIG, "At least 5 pigs are visible.", NOTHING),
    (PIG, "5+", NOTHING),
    (PIG, "I see several pigs.", NOTHING),
    (PIG, "I'm sorry, but I can't help with that.", NOTHING),
    (PIG, "I cannot count them; my knowledge ends in 2023.", NOTHING),
    (BOTH, "There are 3 animals.", NOTHING),
    (PIG, "There are 3 pigs on the left and 2 pigs on the right.", NOTHING),
    (PIG, '{"pig": "several"}', NOTHING),
    (PIG, '{"pig": -1}', NOTHING),
    (PIG, '{"pig": true}', NOTHING),
    # cut off
    (PIG, '[{"bbox_2d": [100, 200, 300, 400], "label": "pig"}, {"bbox_2d": [50', NOTHING),
    (PIG, '```json\n[{"bbox_2d": [100, 200, 300, 400], "la', NOTHING),
    (PIG, '<points coords="1 1 308 305 2 752', NOTHING),
    (PIG, "<ref>pig</ref><box>(100,200),(300,400)</box><box>(500,", NOTHING),
    (PIG, "<think>I count 3 pigs, but", NOTHING),
    (PIG, '{"pig": 3', NOTHING),
    (PIG, "(120, 340), (400, 2", NOTHING),
]  # fmt: skip


def middles(places):
    return [(round((x1 + x2) * 500), round((y1 + y2) * 500)) for x1, y1, x2, y2 in places]


def test_the_table_is_long_enough():
    assert len(TABLE) >= 60


@pytest.mark.parametrize(("words", "text", "said"), TABLE, ids=[f"{k}: {row[1][:40]!r}" for k, row in enumerate(TABLE)])
def test_a_reply_is_read_as_it_is_meant(words, text, said):
    reply = read_reply(text, words, SIZE)
    assert {word: middles(places) for word, places in reply.places.items()} | dict(reply.numbers) == said
    assert not reply.doubts


@pytest.mark.parametrize(
    ("text", "number", "other"),
    [
        ('Counting the <points coords="1 1 105 205 2 300 400">pigs</points> shows a total of 5.', 2, 5),
        ('I found 3 pigs: [{"bbox_2d": [10, 10, 30, 30], "label": "pig"}]', 1, 3),
        ('[{"bbox_2d": [10, 10, 30, 30], "label": "pig"}, {"bbox_2d": [1500, 10, 1700, 30], "label": "pig"}]', 1, 2),
        ('<points coords="1 1 500 500 2 1400 500">pigs</points>', 1, 2),
        ('<point x="50" y="50">pig</point><point x="-30" y="50">pig</point>', 1, 2),
    ],
)
def test_another_total_and_places_outside_the_picture_leave_a_doubt(text, number, other):
    reply = read_reply(text, PIG, SIZE)
    assert len(reply.places["pig"]) == number
    assert reply.doubts == {"pig": other}


def test_coordinates_are_read_as_the_settings_say():
    text = '[{"bbox_2d": [80, 60, 240, 180], "label": "pig"}]'
    assert middles(read_reply(text, PIG, SIZE).places["pig"]) == [(160, 120)]
    assert middles(read_reply(text, PIG, SIZE, coordinates="pixels").places["pig"]) == [(200, 200)]
    assert middles(read_reply(text, PIG, (2000, 1500), coordinates="pixels").places["pig"]) == [(80, 80)]


def test_numbers_over_a_thousand_are_pixels_of_a_large_picture():
    text = '[{"bbox_2d": [1000, 500, 1400, 700], "label": "pig"}]'
    assert middles(read_reply(text, PIG, (2000, 1000)).places["pig"]) == [(600, 600)]


def test_a_reply_that_the_server_cut_off_says_nothing():
    assert read_reply("3", PIG, SIZE, complete=False).cut_off


def test_first_tokens_are_numbers_in_digits_and_words():
    assert [number_of_token(token) for token in ("3", " three", "Three", "th", "31", "The", "")] == [
        3,
        3,
        3,
        *[None] * 4,
    ]
    assert token_distribution({"3": 0.25, " three": 0.5, "A": 0.25}) == {3: 0.75}
