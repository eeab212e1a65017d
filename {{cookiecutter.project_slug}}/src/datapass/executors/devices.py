"""Which of a machine's devices trainings may take."""

import os

from ..messages.problems import Refusal
from ..settings import Network, Settings


def devices(settings: Settings) -> list[str]:
    """Return what one training after the other takes, each as of CUDA_VISIBLE_DEVICES; [] where there is nothing to choose.

    Raises:
        Refusal: where conf/trainer names devices that this machine does not have, or a training takes more than there are.
    """
    model, trainer = settings.model, settings.trainer
    if trainer.accelerator == "cpu" or not isinstance(model, Network):
        return []
    import torch

    count = torch.cuda.device_count()
    if not count:  # none, or of another make, which Lightning knows
        return []
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = names if len(names) >= count and all(names) else [str(number) for number in range(count)]
    named = {1: [0], "auto": range(count)}
    chosen = trainer.devices if isinstance(trainer.devices, list) else named[trainer.devices]
    missing = [number for number in chosen if number >= count]
    if missing:
        raise Refusal(
            f"conf/trainer: devices: there is no device {', '.join(map(str, missing))}; this machine has 0 to {count - 1}."
        )
    if model.devices > len(chosen):
        raise Refusal(
            f"conf/model: devices: a training takes {model.devices}, and conf/trainer allows {len(chosen)} of the {count} here."
        )
    together = range(0, len(chosen) - model.devices + 1, model.devices)
    return [",".join(names[number] for number in chosen[start : start + model.devices]) for start in together]
