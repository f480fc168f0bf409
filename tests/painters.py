"""A generator of squares with ways to die, to close, to run out of memory and to edit, as workers load it by name."""

from __future__ import annotations

import os

import squares

from countcheck.cards import Card
from countcheck.errors import BadWeights, GeneratorClosed
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Failure, Fault, Picture

CARD = Card(name="squares", family="squares")
TEXTS = [f"{i % 5} squares, picture {i}" for i in range(36)] + ["2 squares +1", "4 please refuse", "5 break"]


class Painter(squares.SquaresGenerator):
    """Squares; what else happens stands in the prompt."""

    traits = Traits(seeded=True, batched=True, edits=True)

    def generate(self, samples):
        for sample in samples:
            if "die" in sample.text:
                os._exit(1)
            if "bug" in sample.text:
                raise ZeroDivisionError("a bug")
            if "full" in sample.text:
                yield Failure(key=sample.key, fault=Fault.CRASH, message="CUDA out of memory for one picture")
                continue
            if "close" in sample.text:
                raise GeneratorClosed("the painter has gone home.")
            yield from super().generate([sample])

    def edit(self, sample, pixels, instruction, turn, targets):
        return Picture(key=sample.key, turn=turn, pixels=squares.squares(int(instruction), sample.seed))


def load_painter(card: Card) -> Painter:
    return Painter(card)


def load_counter(spec: str):
    return squares.counter()


def models():
    return load_painter(CARD), squares.counter()


def cannot_load():
    raise BadWeights("the weights of squares are damaged.")
