"""Foreign suite files in small, and how tests write and read them."""

import json
from pathlib import Path

from countcheck.suites.suite import Suite

GENEVAL = [
    {"tag": "single_object", "include": [{"class": "bench", "count": 1}], "prompt": "a photo of a bench"},
    {
        "tag": "counting",
        "include": [{"class": "clock", "count": 3}],
        "exclude": [{"class": "clock", "count": 4}],
        "prompt": "a photo of three clocks",
    },
    {
        "tag": "position",
        "include": [
            {"class": "cow", "count": 1},
            {"class": "computer mouse", "count": 1, "position": ["left of", 0]},
        ],
        "prompt": "a photo of a computer mouse left of a cow",
    },
    {
        "tag": "color_attr",
        "include": [{"class": "cup", "count": 1, "color": "red"}, {"class": "bowl", "count": 1, "color": "blue"}],
        "prompt": "a photo of a red cup and a blue bowl",
    },
    {
        "tag": "custom",
        "include": [{"class": "dog", "count": 2}],
        "exclude": [{"class": "dog", "count": 5}, {"class": "cat", "count": 1}],
        "prompt": "a photo of some dogs and no cat",
    },
]
GENEVAL2 = [
    {
        "prompt": "four sheeps and a trumpet",
        "atom_count": 4,
        "vqa_list": [
            ["How many sheeps are in the image?", "four"],
            ["Are there any sheeps in the image?", "Yes"],
            ["How many trumpets are in the image?", "one"],
        ],
        "skills": ["count", "object", "count"],
    },
    {
        "prompt": "seven green croissants",
        "atom_count": 3,
        "vqa_list": [["How many croissants are in the image?", "seven"], ["Are the croissants green?", "Yes"]],
        "skills": ["count", "attribute"],
    },
]
COCOCOUNT = [
    {
        "prompt": "A photo of three ties on the ground",
        "object": "tie",
        "object_plural": "ties",
        "object_id": 27,
        "scene": "on the ground",
        "number": "three",
        "int_number": 3,
        "seed": 1,
    },
    {
        "prompt": "A photo of ten airplanes",
        "object": "airplane",
        "object_plural": "airplanes",
        "object_id": 4,
        "scene": "",
        "number": "ten",
        "int_number": 10,
        "seed": 2,
    },
]
COCOCOUNT.append({**COCOCOUNT[1], "seed": 3})
GECKONUM = """index,prompt,has_numeral,is_frequent,entities,prompt_type,dataset_id
0,1 dog.,0,1,dog:1,numeric_simple,geckonum_00000
1,A picture of 3 fish.,0,-1,fish:3,numeric_sentence,geckonum_00001
2,"2 dogs and four ants.",1,-1,"dog:2, ant:4",2-additive,geckonum_00002
3,"4 eggs, three paperclips and 4 koalas.",1,-1,"egg:4, paperclip:3, koala:4",3-additive,geckonum_00003
4,2 white mushrooms and 1 red mushroom.,0,-1,"white mushroom:2,red mushroom:1",2-additive-color,geckonum_00004
5,Two black cats.,1,-1,black cat:2,attribute-color,geckonum_00005
6,There are 2 books below 4 mushrooms.,0,-1,"book:2,mushroom:4",attribute-spatial,geckonum_00006
7,An image of a table. There are no grains of rice on the table.,0,-1,"grains of ric:no,table:1",approx-1-entity,geckonum_00007
8,An image of a table. There are many grains of rice on the table.,0,-1,"grains of ric:many,table:1",approx-1-entity,geckonum_00008
9,An image with some dogs and some cats. There are fewer dogs than cats.,0,-1,"dog:fewer,cat:X",approx-2-entity,geckonum_00009
10,An image with some dogs and some cats. There are as many dogs as cats.,0,-1,"dog:as many,cat:X",approx-2-entity,geckonum_00010
11,An apple cut into thirds.,0,-1,apple:thirds,fractional-simple,geckonum_00011
12,There is one apple and half of another apple on the table.,1,-1,apple:1.5,fractional-simple,geckonum_00012
13,A pencil where one half of it is red and the other half is blue.,1,-1,pencil:1/2red+1/2blue,fractional-complex,geckonum_00013
14,"There are 2 forks on the table, but one fork is broken into two pieces.",1,-1,fork:2,part-whole,geckonum_00014
"""


def lines(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sentences(suite: Suite) -> list[list[str]]:
    return [[target.sentence() for target in prompt.targets] for prompt in suite.prompts]
