"""Word lists for reading prompts: what may stand in a noun phrase, what ends one, what is never counted."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text; an underscore stands for a space inside one."""
    return frozenset(word.replace("_", " ") for word in text.split())


# Words that end a noun phrase wherever they stand.
STOP = word_set(
    "a an the another this that these those my your his her its our their some any each every all both such what which who "
    "whom whose and or but nor yet so because although though while when where if unless until since as than then "
    "of in on at by for with without within from to into onto upon over under above below between among amid around "
    "about across along against behind beside besides beyond near next past through throughout toward towards "
    "underneath beneath inside outside off out up down during before after like unlike via per versus vs plus minus "
    "is are was were be been being am has have had do does did will would can could shall should may might must "
    "not no none never neither either i you he she it we they me him them us there here also too just only "
    "even still again ever always often alone together apart away home high low left right back front top bottom "
    "close far nearby ahead aside abroad upside sideways upright outdoors indoors overhead underwater downstream "
    "upstream ashore aboard aloft adrift anew ago alike else instead rather quite high above yonder whose "
    "showing featuring depicting containing holding wearing having including called named titled saying reading "
    "labelled labeled numbered marked amidst atop opposite alongside now today tomorrow yesterday tonight please "
    "more less fewer most least many few several much enough let lets got get gets"
)

# Bare verbs that follow a noun ("one cat and one dog play"), though the dictionary knows them as nouns too.
ACTIONS = word_set(
    "cut set put hit shut split spread cast burst made built lit hung held caught worn seen bent torn broken "
    "play sleep run walk sit stand swim jump fly dance eat drink fight watch look rest hunt march race wait work talk "
    "sing chase hide climb float sail drive ride roll fall rise hang lie lean stare gaze smile laugh cry shout share "
    "hold carry wear face cross meet hug kiss hop graze roam wander travel gather fill cover surround reach point "
    "appear remain stay move turn spin shine glow burn bloom grow peek peer pose perform compete study read write "
    "cook bake paint draw build make take use need want kick throw catch hit pull push row paddle surf ski skate "
    "soar glide perch nap doze snuggle cuddle cheer wave nod bow kneel crouch squat stretch leap dive splash drift "
    "land crash collide argue chat whisper celebrate relax swing balance juggle sits stands runs"
)

COLOURS = word_set(
    "red blue green yellow purple pink brown black white grey gray beige violet turquoise teal cyan magenta crimson "
    "scarlet maroon navy ivory silver gold golden tan indigo lavender"
)

# Nouns that say of what, or how old or big: they are kept in the phrase and not in the name.
DESCRIBING = word_set(
    "gold silver bronze copper brass iron steel metal metallic glass stone brick clay paper plastic leather cotton wool "
    "velvet silk marble bamboo diamond wood cardboard porcelain ceramic crystal granite concrete "
    "straw wicker felt linen denim tin lego origami neon pastel ruby emerald jade sapphire amber plaid tartan velvet "
    "baby adult infant juvenile teen teenage male female boy girl giant miniature mini jumbo pet newborn senior "
    "childhood winter summer autumn spring cartoon anime cgi vintage retro antique luxury designer steampunk pixel "
    "albino champion farm family colour color watercolor watercolour fantasy future"
)

# Noun-noun names that stay whole although their head is an animal or a person, or their first word an adjective.
COMPOUNDS = word_set(
    "ice_cream_truck ice_cream_bar ice_cream_sandwich chicken_wing human_skull "
    "mobile_phone computer_mouse television_set tv_monitor tv_remote traffic_signal human_being plush_bear rowing_boat "
    "computer_keyboard teddy_bear sea_lion guinea_pig hot_dog prairie_dog killer_whale gummy_bear rubber_duck toy_soldier snow_man "
    "polar_bear mountain_lion hermit_crab toy_car toy_train sports_ball sports_car wine_glass traffic_light "
    "fire_hydrant stop_sign parking_meter baseball_bat baseball_glove tennis_racket cell_phone hair_drier hair_dryer "
    "dining_table potted_plant remote_control tooth_brush hot_air_balloon rocking_horse rocking_chair sea_horse "
    "sea_turtle swimming_pool washing_machine walking_stick fishing_rod fishing_boat sailing_boat "
    "sleeping_bag shooting_star light_bulb ice_cream_cone ice_cube high_chair high_heel picnic_basket dragon_fly "
    "jack_o_lantern praying_mantis racing_car cutting_board frying_pan shopping_bag shopping_cart wedding_cake "
    "wedding_dress wedding_ring boxing_glove bowling_ball bowling_pin knitting_needle sewing_machine vending_machine "
    "measuring_cup mixing_bowl drinking_glass christmas_tree christmas_ball christmas_stocking easter_egg bath_bomb "
    "bald_eagle blue_whale black_bear brown_bear red_panda giant_panda grizzly_bear koala_bear snow_leopard white_house "
    "rain_drop snow_flake guinea_fowl toy_robot toy_boat toy_plane toy_truck toy_dinosaur chocolate_bunny "
    "snow_globe garden_gnome toy_dog toy_bear stuffed_animal stuffed_bear stuffed_toy carousel_horse "
    "police_officer fire_fighter police_dog police_car chess_king chess_queen chess_piece "
    "cinnamon_stick golf_ball street_light street_lamp house_plant paper_plane paper_airplane paper_crane paper_boat "
    "black_hole pocket_watch wrist_watch stop_watch palm_tree oak_tree headlight_bar hydrogen_atom oxygen_atom fire_truck tea_pot pine_tree "
    "paper_lantern paper_clip stone_bridge lego_brick"
)

# Heads before "of" that mean little alone: the name keeps what they are of.
PART_HEADS = word_set(
    "slice piece scoop bar bunch stack pile sheet loaf bouquet group row herd flock cluster drop lump ball roll stick "
    "strip chunk block cube wedge sprig head clove ear bale bundle heap line circle ring column swarm pack school "
    "cube string strand stalk blade coil spool skein tower pillar band gang team crowd family army fleet convoy"
)

# Heads before "of" that keep their own name: "two cups of coffee" are two cups.
CONTAINERS = word_set(
    "cup glass bottle bowl plate jar mug basket box bag can bucket vase pot crate barrel tray carton tin pitcher jug "
    "teapot flask tub tube sack platter goblet tankard pint cask chest case packet tumbler shot dish saucer bucketful "
    "tank cart wagon truck boat"
)

# Plural nouns that are not things in a picture. A number before them counts nothing that could be seen.
ABSTRACT = word_set(
    "morning evening afternoon weekend time way side direction dimension colour color tone shade hue type kind sort variety style angle perspective "
    "corner point step part half third quarter fifth level degree percent language season moment occasion "
    "option choice reason idea theme genre version stage phase episode chapter volume round minute hour second "
    "day night week month year decade century generation metre meter centimetre centimeter millimetre millimeter "
    "kilometre kilometer mile foot inch yard acre hectare litre liter gallon ounce gram kilogram kilo kg tonne ton "
    "dollar euro cent rupee yen pixel megapixel fps watt volt hz ghz gb mb tb calorie layer size "
    "dimension section segment fold beat bpm mph kph cm mm km m ft lb lbs oz ml k px carat storey story "
    "portion share serving fraction tablespoon teaspoon species breed word rule law sense file element virtue sin "
    "wonder power act lap mode try attempt"
).union({"feet", "pounds"})

# What stands behind a number that is no count, in singular or plural.
UNITS = word_set(
    "o'clock oclock am pm a.m p.m a.m. p.m. percent per_cent degrees degree dollars dollar euros euro pounds cents "
    "quid bucks metres meters metre meter cm mm km kilometres kilometers centimetres centimeters millimetres "
    "millimeters miles mile feet foot ft inches inch yards yard acres acre hectares litres liters litre liter ml "
    "gallons gallon ounces ounce oz grams gram g kg kilos kilo kilograms tonnes tonne tons ton lb lbs minutes minute "
    "hours hour seconds days day weeks week months month years year decades decade centuries century mph kph "
    "km/h px pixels pixel megapixels mp dpi fps hz khz ghz mhz watts watt volts volt gb mb tb bpm times k bc ad bce ce "
    "x × carat carats storey story storeys stories th st nd rd light-years knots fahrenheit celsius"
)

WORKS = word_set(
    "comic story tale book film movie poem song play novel cartoon fable game painting picture drawing illustration poster "
    "image photo scene video show joke dream"
)
"""What can be about things."""

BODY = word_set(
    "hand arm foot leg knee eye finger ear shoulder fist toe elbow hip cheek thumb palm eyebrow eyelid wrist ankle heel nostril"
)
"""Parts that a person or an animal has anyway."""

POSES = word_set(
    "raised up down closed open out bent lifted extended outstretched crossed folded behind over above on against in around "
    "stretched forward back forwards backwards covered shut tilted clasped tied clenched spread apart together off under "
    "touching pointing holding resting leaning hidden wide squinting winking bare exposed to at into near inside through"
)
"""Words after a part of the body that tell how it is held."""

POSED = word_set("on in at by using holding balances balancing standing stands hopping hops")

ADJECTIVAL = word_set(
    "point way star piece hit wheel door seater story storey course speed cylinder lane tier stage seat bedroom room "
    "hour day week year minute mile foot inch dollar pound part colour color tone ply bit act stroke burner masted pack "
    "horse trick size stop time night man person shot page volume set step minute second string hole level panel"
)
"""Nouns that a number makes an adjective with: "a three piece suit", "one way street"."""

TRANSITIVE = word_set(
    "eating holding wearing carrying playing reading drinking chasing watching riding driving pushing pulling throwing "
    "catching cooking making facing taking giving using licking biting chewing kicking hugging kissing feeding pouring "
    "blowing building cutting writing covering crossing raising lifting leading doing having getting ringing "
)
"""Verbs after a number that stands for people or animals named before: "three pandas, one eating bamboo"."""

PICTURES = word_set(
    "image picture photo photograph version variation option rendering render sketch variant take copy shot drawing design "
    "example illustration concept logo"
)
"""What a person who writes a prompt orders; a number of them is no number of things in one picture."""

ORDERS = word_set(
    "generate create make give show produce render draw design want need provide send get output deliver imagine"
)

SIGNS = word_set(
    "sign billboard poster banner neon label board plate text shirt t-shirt tshirt placard note letter screen tag cover words "
    "caption title marquee"
)
"""What bears writing."""

SAYING = word_set("says say saying reads")

SHADES = word_set(
    "light dark pale bright deep soft neon pastel sky royal navy baby hot lime olive mint rose burnt dusty warm cool"
)
"""Words that shade a colour: "light blue"."""

ED_THINGS = word_set("seed bed shed sled weed reed steed breed")
"""Words in -ed that are things."""

SIDES = word_set("front back left right top bottom upper lower inner outer high low")

ORDINALS = word_set("last first next second third fourth fifth sixth seventh eighth ninth tenth final")

WRITING = (
    SIGNS
    | SAYING
    | word_set(
        "reading written writing titled called named word letters phrase quote logo book movie film song album tattoo headline "
        "slogan inscription engraved printed lettering spelling spelled mug cap hat cake card graffiti speech bubble labelled "
        "labeled number numbers"
    )
)
"""Words near which quotation marks hold writing."""

NO_SIGNS = word_set("sign signs zone area symbol symbols notice poster policy rule logo section signage icon button")
"""Heads of names that begin with "no": a no smoking sign."""

PIECES = word_set("piece slice part half section chunk wedge segment quarter strip")

CUTTING = word_set("cut sliced split divided broken torn chopped halved sawn")

# Fixed phrases whose numbers count nothing.
IDIOMS = tuple(
    tuple(phrase.split())
    for phrase in [
        "one on one",
        "one by one",
        "one after another",
        "one after the other",
        "one of a kind",
        "one another",
        "one and only",
        "one and the same",
        "two by two",
        "two at a time",
        "one at a time",
        "number one",
        "square one",
        "ground zero",
        "zero gravity",
        "zero waste",
        "zero g",
        "second to none",
        "one hit wonder",
        "one size fits all",
        "no filter",
        "no doubt",
        "no matter",
        "no flash",
        "no brainer",
        "no way",
        "no time",
        "nine to five",
        "9 to 5",
        "24 / 7",
        "fifty fifty",
        "50 / 50",
        "three is a crowd",
        "two is company",
        "one man show",
        "one man band",
        "one night stand",
        "one stop shop",
        "one small step",
        "one step",
        "one day",
        "one night",
        "one more time",
        "one morning",
        "one evening",
        "one afternoon",
        "one world",
        "one love",
        "three quarter",
        "three quarters",
        "two thirds",
        "one third",
        "one half",
        "one quarter",
        "two wrongs",
        "no makeup",
        "no pain no gain",
        "no strings attached",
        "no vacancy",
        "first two",
        "no two",
    ]
    if phrase not in ("first two", "no two")
)

DIGIT_UNITS = word_set("k x m g c am st nd rd th f")
"""Units that stand behind digits only."""

YEAR_BEFORE = word_set("in from since circa year of late early")

MONTHS = word_set(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sept sep oct nov dec"
)

# A number after one of these is a name: room 12, chapter three.
LABELS = word_set(
    "player scene panel frame slide figure number no no. nr nr. room gate route page chapter channel level platform bus flight highway exit episode part "
    "volume act apartment flat unit track lane size model version engine type mark section zone area pier terminal "
    "step stage phase grade class line highway interstate motorway avenue street district sector block building "
    "house house_number suite floor age aged year circa ca. ca c. chapter verse psalm article figure fig fig. "
    "seed iso f lens score round game set match week day season series vol vol. ep ep. tv radio mach "
    "plan warp formula studio agent apollo windows playstation xbox iphone galaxy catch blink chanel world_war war turning "
    "turns turned stylize chaos ar cfg steps q v niji weight"
)

# Before a bare number, these say a time or date.
TIME_BEFORE = word_set("at by until till before after since past to from in around circa about")

# What "no" and "without" speak of that is no countable thing.
UNCOUNTED = word_set(
    "trace cause worry care place ado question hurry mercy problem idea wind text background colour color light lighting noise shadow water snow rain sugar milk makeup make-up hair "
    "sound music watermark blur frame border doubt idea reason fear end limit problem use gravity space signature "
    "logo matter way wonder longer more less need writing lettering letters words word help "
    "sense hope time room exception regard visible limits fog mist smoke fire wind grass sunlight sunshine ice salt "
    "cream cheese bread sauce foam dust mud sand gluten dairy meat alcohol caffeine power electricity charge cost "
    "smile emotion expression clothing clothes furniture luggage decoration decorations detail details traffic "
    "vegetation scenery contrast distortion grain texture saturation glare reflection reflections outline outlines "
    "shading gradient perspective depth caption captions subtitle subtitles interruption delay hesitation warning "
    "permission success avail purpose parallel equal sleep rest food money luck love clutter mess jewelry jewellery graffiti equipment software hardware artwork pollution garbage trash war peace work"
)

DEPICTIONS = word_set(
    "photo photograph picture image painting drawing sketch illustration render rendering portrait scene shot view "
    "close-up closeup closeup watercolour watercolor cartoon poster print still snapshot depiction collage mosaic "
    "lot few number couple pair trio group bunch dozen hundred thousand variety collection series set line row herd "
    "flock crowd handful majority minority bit touch hint kind sort type style way "
    "sense range total maximum minimum"
)

PERSONS = word_set(
    "person man woman boy girl child kid baby toddler adult teenager people lady gentleman guy dancer chef cook nurse "
    "doctor soldier farmer fisherman fireman policeman worker student teacher player musician singer actor artist "
    "painter photographer athlete runner swimmer cyclist rider driver pilot sailor astronaut clown knight king queen "
    "prince princess wizard witch monk nun tourist hiker climber surfer skier skater boxer wrestler friend "
    "brother sister mother father daughter son twin bride groom guest waiter waitress judge scientist engineer "
    "builder carpenter baker butcher barber tailor referee fan spectator customer shopper pedestrian commuter "
    "businessman businesswoman grandmother grandfather"
)

ANIMALS = word_set(
    "pig wolf cat dog sheep frog fish duck bird horse cow goat chicken hen rooster goose turkey swan elephant giraffe "
    "zebra lion tiger bear panda monkey gorilla chimpanzee kangaroo koala rabbit hare squirrel mouse rat hamster fox "
    "deer moose elk reindeer camel llama alpaca donkey mule bull ox bison buffalo whale dolphin shark seal walrus "
    "otter beaver badger hedgehog raccoon skunk bat owl eagle hawk falcon vulture parrot pigeon dove sparrow robin "
    "crow raven seagull penguin flamingo pelican stork crane heron peacock ostrich turtle tortoise lizard snake "
    "crocodile alligator dinosaur dragon unicorn butterfly bee wasp ant spider beetle ladybug ladybird dragonfly "
    "mosquito fly moth caterpillar snail slug worm crab lobster shrimp octopus squid jellyfish starfish seahorse "
    "goldfish salmon trout axolotl manatee piglet puppy kitten lamb calf foal chick duckling gosling cub fawn pony "
    "corgi poodle labrador terrier husky retriever beagle bulldog dalmatian"
)
LIVING = PERSONS | ANIMALS

# -ing words that are things.
ING_THINGS = word_set(
    "painting building ring earring king wing string drawing pudding duckling wedding dumpling sapling herring "
    "starling ceiling awning spring swing thing topping stocking railing carving engraving gosling seedling sling "
    "viking sterling being sibling dwelling lightning clothing opening crossing landing parking tracing etching"
)

# Multiples and bundles: word to number. Those of the first kind need "of" or a plural behind them.
BUNDLES = {
    "pair": 2,
    "couple": 2,
    "duo": 2,
    "trio": 3,
    "quartet": 4,
    "quintet": 5,
    "sextet": 6,
    "septet": 7,
    "octet": 8,
}
SIBLINGS = {"twins": 2, "triplets": 3, "quadruplets": 4, "quintuplets": 5}
SINGLE = word_set("single lone solitary sole")

# What a thing is cut into: not things of their own.
CUT_INTO = word_set(
    "piece slice part half section bit quarter third strip chunk wedge segment layer fragment cube share portion "
    "row column group pair"
)

# A number after one of these is a name, whatever follows.
# Before digits without a noun of their own, these make a name: catch 22, windows 95. They are plain words otherwise.
NAMING_DIGITS = word_set("catch studio formula turning turned turns windows apollo mach vol ep page version")

NAMING = word_set(
    "number no no. route age aged year seed iso chapter episode volume playstation xbox iphone highway interstate "
    "vol. ep. cfg # №"
)

# Adjectives that make a number relative to another.
RELATIVE = word_set("other additional extra further remaining more another new")

# Words that the dictionary also lists as adjectives, and that name a thing when nothing follows.
NOUNS_FIRST = word_set(
    "house fork dress remote pedestrian human tank cream orange light square watch plant glass chicken model mobile animal human robot chocolate lemon lime peach "
    "rose violet olive plum salmon baby adult toy stuffed china chest match bat present diamond crystal snack fan "
    "kid cook clown elephant pig wolf cat dog kitten duck leopard tiger lion fox bear american jersey cardinal "
    "monitor print poster drawing portrait picture sweet nut corn cone cube oval triangle pentagon hexagon "
    "rectangle circle star cylinder pyramid individual criminal patient intellectual native student official "
    "public relative teenager adolescent principal general private major captain royal military professional "
    "giant dwarf elder senior junior musical vegetable fruit mineral metal stone brick block potato tomato carrot "
    "banana cherry apple mango melon avocado trumpet flute guitar piano violin drum bass tenor counter stool "
    "bench cabinet suit coat boot shoe sandal tie ring necklace crown bracelet feather shell pearl button ribbon "
    "bow arrow sword shield helmet spear axe hammer kayak canoe ship submarine rocket plane parachute bicycle"
)
