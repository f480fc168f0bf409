"""Synonyms, and nouns that look alike: how a suite's nouns map to a detector's vocabulary. Data, pure.

A suite may give its own synonyms and lookalikes (`countcheck.suites.suite.Noun`); those come first.
"""

from __future__ import annotations

# Each line: a noun of COCO or Open Images, then other words for it.
_SAME = """
pig: hog, swine, piglet
wolf: grey wolf, gray wolf, timber wolf
person: people, human, human being, pedestrian
man: gentleman, male person
woman: lady, female person
child: kid
motorcycle: motorbike
bicycle: bike, push bike, cycle
airplane: aeroplane, plane, aircraft
car: automobile, motor car, motorcar
truck: lorry
couch: sofa, settee
tv: television, tv monitor, tvmonitor, television set
cell phone: mobile phone, smartphone, phone, cellphone
donut: doughnut
potted plant: pottedplant, houseplant, pot plant
dining table: diningtable, dinner table
teddy bear: teddy, plush bear
hair drier: hair dryer, hairdryer, blow dryer
remote: remote control
refrigerator: fridge
sports ball: ball
cup: mug, teacup
traffic light: stop light, traffic signal
fire hydrant: hydrant
wine glass: wineglass
backpack: rucksack
suitcase: trunk
handbag: purse
cow: cattle
sheep: lamb, ewe
horse: pony
rabbit: bunny
chicken: hen
cat: kitten, kitty
dog: puppy, hound
laptop: laptop computer, notebook computer
mouse: computer mouse
keyboard: computer keyboard
orange: mandarin orange
flower: blossom, bloom
boat: rowboat, rowing boat
ship: vessel
lightbulb: light bulb
"""

# Each line: a noun, then the nouns that a detector takes it for.
_LOOKALIKE = """
pig: wild boar, dog, sheep
wolf: dog, fox, coyote
dog: wolf, fox
fox: dog, wolf
cat: dog, fox
sheep: goat, dog
goat: sheep, deer
cow: bull, horse
horse: donkey, cow
donkey: horse
zebra: horse
bear: dog
lion: tiger
tiger: lion
leopard: cheetah
duck: goose, swan
goose: duck, swan
swan: goose, duck
chicken: rooster, duck
rabbit: hare, squirrel
frog: toad
apple: tomato, orange
orange: apple, lemon
lemon: orange
tomato: apple
banana: lemon
car: truck, bus
truck: car, bus
bus: truck
bicycle: motorcycle
motorcycle: bicycle
cup: bowl, vase
bowl: cup, plate
chair: couch, bench
couch: chair, bed
boat: ship
ship: boat
spoon: fork, knife
fork: spoon
balloon: ball
ball: balloon
butterfly: moth, bird
bee: fly
mushroom: umbrella
"""


def _read(table: str) -> dict[str, tuple[str, ...]]:
    lines = (line.partition(":") for line in table.strip().splitlines())
    return {name: tuple(word.strip() for word in words.split(",")) for name, _, words in lines}


LOOKALIKES = _read(_LOOKALIKE)
_SYNONYMS = _read(_SAME)
_HEADS = {word: name for name, words in _SYNONYMS.items() for word in words}


def synonyms_of(noun: str) -> tuple[str, ...]:
    """List other words for a noun; empty for most nouns.

    >>> synonyms_of("sofa")
    ('couch', 'settee')
    """
    head = _HEADS.get(noun, noun)
    # A kitten is a cat, but not every cat is a kitten: a narrower word is looked for by its own name and by the
    # broader one, a broader one by all.
    return tuple(word for word in (head, *_SYNONYMS.get(head, ())) if word != noun)


def lookalikes_of(noun: str) -> tuple[str, ...]:
    """List nouns that a detector takes for this one when it is not offered them.

    >>> lookalikes_of("wolf")
    ('dog', 'fox', 'coyote')
    """
    return LOOKALIKES.get(noun, LOOKALIKES.get(_HEADS.get(noun, noun), ()))
