"""Which devices trainings take, and how they share one."""

import threading
from typing import Any

import pytest
import torch

from conftest import params
from datapass.executors.devices import devices
from datapass.executors.local import Local
from datapass.messages.problems import Refusal
from datapass.settings import Settings, check


def configured(which: Any = "auto", together: int = 1, accelerator: str = "gpu") -> Settings:
    found = params()
    found["trainer"] |= {"accelerator": accelerator, "devices": which}
    found["model"] |= {"devices": together}
    return check(found)


TAKEN: dict[str, tuple[Settings, int, str | None, list[str]]] = {
    "a processor": (configured(accelerator="cpu"), 4, None, []),
    "no GPU, or one of another make": (configured(), 0, None, []),
    "all": (configured(), 3, None, ["0", "1", "2"]),
    "the first": (configured(1), 3, None, ["0"]),
    "some": (configured([2, 0]), 3, None, ["2", "0"]),
    "of those that the shell shows": (configured([1]), 2, "5,7", ["7"]),
    "by name": (configured(), 1, "GPU-8932f937", ["GPU-8932f937"]),
    "two for each training": (configured(together=2), 5, None, ["0,1", "2,3"]),
    "two of those named": (configured([3, 1], together=2), 4, None, ["3,1"]),
}


@pytest.mark.parametrize(("settings", "count", "shown", "expected"), TAKEN.values(), ids=TAKEN.keys())
def test_taken(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, count: int, shown: str | None, expected: list[str]
) -> None:
    there(monkeypatch, count, shown)
    assert devices(settings) == expected


REFUSED = {
    "not there": (configured([0, 4, 6]), 4, "conf/trainer: devices: there is no device 4, 6; this machine has 0 to 3"),
    "more than there are": (configured(together=4), 2, "a training takes 4, and conf/trainer allows 2 of the 2 here"),
    "more than allowed": (configured(1, together=2), 4, "a training takes 2, and conf/trainer allows 1 of the 4 here"),
}


@pytest.mark.parametrize(("settings", "count", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings, count: int, said: str) -> None:
    there(monkeypatch, count, None)
    with pytest.raises(Refusal, match=said):
        devices(settings)


def there(monkeypatch: pytest.MonkeyPatch, count: int, shown: str | None) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)


class Memory:
    """A device's memory, in which two of three trainings have room."""

    def __init__(self) -> None:
        self.free, self.lock, self.tried, self.alone = 2, threading.Lock(), [], []
        self.all_there = threading.Barrier(3)

    def ask(self, number: int) -> tuple[dict[str, Any], bytes]:
        first = number not in self.tried
        self.tried.append(number)
        if first:
            self.all_there.wait(10)
        with self.lock:
            fits = self.free > 0
            self.free -= fits
        if first:
            self.all_there.wait(10)
        with self.lock:
            self.alone += [] if first else [self.free == 1]
            self.free += fits
        return ({} if fits else {"full": "out of memory"}), b""


def test_what_does_not_fit_beside_others_is_asked_again_alone() -> None:
    memory = Memory()
    with Local(3, devices=["0"]) as pool:
        answers = [one.result() for one in [pool.submit(memory.ask, number) for number in range(3)]]
    assert [about for about, _ in answers] == [{}] * 3
    assert sorted(memory.tried[:3]) == [0, 1, 2]
    assert len(memory.tried) == 4
    assert memory.alone == [True]


def test_without_devices_each_is_asked_once() -> None:
    with Local(2) as pool:
        assert pool.submit(lambda: ({"full": ""}, b"")).result() == ({"full": ""}, b"")
