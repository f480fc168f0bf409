"""Reading prompts and importing suites: how right and how fast. Prints a table; run it as ``python benchmarks/reading.py``.

Prompts are read on one core, single words looked up beforehand (the dictionary loads once). Imports are timed on files of
the originals' shape and size, written here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "suites" / "language")]

from language_samples import Grade, grade, sentences  # noqa: E402

from countcheck.stats.intervals import wilson  # noqa: E402
from countcheck.suites.catalog import load_suite  # noqa: E402
from countcheck.suites.language.read_targets import read_targets  # noqa: E402

FILES = {
    "sentences.txt": "plain sentences (tuned on)",
    "prompts_tuned.txt": "prompts as people write them, tuned half",
    "prompts_untouched.txt": "prompts as people write them, untouched half",
    "prompts_fresh.txt": "prompts as people write them, written last and graded once",
}


def accuracy() -> list[tuple[str, str]]:
    """Shares of sentences read right, reported, silently lost and with a wrong target, each with its 95 % interval."""
    rows = []
    for name, title in FILES.items():
        known = sentences(name)
        grades = [grade(read_targets(sentence.text), sentence) for sentence in known]
        rows.append((f"{title}: {len(known)}", ""))
        for kind in Grade:
            estimate = wilson(sum(found is kind for found in grades), len(grades))
            interval = f"[{estimate.low:.1%}, {estimate.high:.1%}]"
            rows.append((f"  {kind.value}", f"{estimate.value:6.1%} {interval} ({grades.count(kind)})"))
    return rows


def speed(n: int) -> tuple[str, str]:
    """Seconds of processor time to read n prompts."""
    texts = [sentence.text for name in FILES for sentence in sentences(name)]
    for text in texts:
        read_targets(text)
    rng = random.Random(0)
    prompts = [f"{rng.choice(texts)}, {rng.choice(('at night', 'film noir', 'in the rain'))} {k}" for k in range(n)]
    began = time.process_time()
    for prompt in prompts:
        read_targets(prompt)
    spent = time.process_time() - began
    mean = sum(map(len, prompts)) / n
    return (
        f"reading {n:,} prompts of {mean:.0f} characters",
        f"{spent:.2f} s ({spent / n * 1e5:.1f} s for 100,000; 20 allowed)",
    )


def files() -> dict[str, str]:
    """Files of the originals' shape and size."""
    classes = [f"thing {chr(97 + k % 26)}{chr(97 + k // 26)}" for k in range(80)]
    geneval = [
        {
            "tag": "counting",
            "include": [{"class": classes[k % 80], "count": 3}],
            "exclude": [{"class": classes[k % 80], "count": 4}],
            "prompt": f"a photo of three {classes[k % 80]}s, {k}",
        }
        for k in range(553)
    ]
    geneval2 = [
        {
            "prompt": f"four dogs {k}",
            "atom_count": 3,
            "vqa_list": [["How many dogs are in the image?", "four"]],
            "skills": [],
        }
        for k in range(800)
    ]
    cococount = [
        {"prompt": f"A photo of two dogs {k}", "object": "dog", "int_number": 2, "scene": ""} for k in range(200)
    ]
    geckonum = "index,prompt,has_numeral,is_frequent,entities,prompt_type,dataset_id\n" + "".join(
        f'{k},"2 dogs and four ants.",1,-1,"dog:2, ant:4",2-additive,geckonum_{k:05d}\n' for k in range(1386)
    )
    words = ("two", "three", "four", "five")
    return {
        "evaluation_metadata.jsonl": "".join(json.dumps(row) + "\n" for row in geneval),
        "geneval2_data.jsonl": "".join(json.dumps(row) + "\n" for row in geneval2),
        "CoCoCount.json": json.dumps(cococount),
        "prompts.csv": geckonum,
        "numeracy.txt": "".join(f"{words[k % 4]} trucks and {words[k // 4 % 4]} cups, {k}\n" for k in range(1000)),
        "drawbench.csv": "Prompts,Category\n" + "".join(f"Three cats number {k}.,Counting\n" for k in range(200)),
        "PartiPrompts.tsv": "Prompt\tCategory\tChallenge\n"
        + "".join(f"a frog {k}\tAnimals\tBasic\n" for k in range(1632)),
        "OVERT_full.csv": "image_prompt,category\n"
        + "".join(f"a chef with knives {k},violence\n" for k in range(4600)),
    }


def imports() -> list[tuple[str, str]]:
    """Seconds to read each foreign suite whole; 2 allowed."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files().items():
            path = Path(folder) / name
            path.write_text(text)
            began = time.process_time()
            suite = load_suite(str(path))
            found.append(
                (f"import {name} ({len(suite.prompts)} prompts)", f"{time.process_time() - began:.2f} s (2 allowed)")
            )
    return found


def main() -> None:
    """Print the table, and what it ran on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100_000, help="how many prompts to read")
    n = parser.parse_args().n
    rows = [*accuracy(), speed(n), *imports()]
    width = max(len(what) for what, _ in rows)
    for what, found in rows:
        print(f"{what:<{width}}  {found}")
    print(
        f"on {platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
