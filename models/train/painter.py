"""Trains the tiny painter: `python -m models.train.painter all`, or one stage at a time.

    unet      text to latent, no pictures needed
    decoder   latent to picture
    encoder   picture to latent
    export    the trained parts as a diffusers folder in half precision
    sheet     contact sheets of what it paints
    all       one after the other

Every stage writes to --work, can be stopped and resumed at any time, and stops by itself after --minutes.
"""

import argparse
from pathlib import Path

import torch

from models.train.painter_decoder import train_decoder, train_encoder
from models.train.painter_export import export
from models.train.painter_parts import FULL, SMALL
from models.train.painter_sheet import draw_sheets
from models.train.painter_unet import train_unet
from models.train.training import Length

WORK = Path(__file__).parent / "output" / "painter"
OUT = Path(__file__).parents[1] / "tiny-painter"
STAGES = {"unet": train_unet, "decoder": train_decoder, "encoder": train_encoder}
MINUTES = {"unet": 90.0, "decoder": 75.0, "encoder": 6.0}


def main(arguments: list[str] | None = None) -> None:
    """Runs the stage that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m models.train.painter",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("stage", choices=[*MINUTES, "export", "sheet", "all"])
    parser.add_argument("--minutes", type=float, help=f"training time in all, resumptions included ({MINUTES})")
    parser.add_argument("--steps", type=int, default=0, help="train this many steps instead, whatever they take")
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--out", type=Path, default=OUT, help="folder that gets the finished painter")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="of a CPU; two on a busy machine are slower than one")
    parser.add_argument("--small", action="store_true", help="a painter too small to be any good, to try it all out")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    sizes = SMALL if chosen.small else FULL
    for stage in [*MINUTES, "export", "sheet"] if chosen.stage == "all" else [chosen.stage]:
        if stage == "export":
            print(f"revision: sha256:{export(chosen.work, chosen.out, sizes)}")
        elif stage == "sheet":
            draw_sheets(chosen.out)
        else:
            length = Length(minutes=chosen.minutes or MINUTES[stage], steps=chosen.steps)
            STAGES[stage](chosen.work, length=length, sizes=sizes, device=chosen.device)


if __name__ == "__main__":
    main()
