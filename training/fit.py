"""Fits a network to windows (Lightning), with augmentation and averaged weights."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, IterableDataset

from training.recipe import Fit
from training.windows import WindowSet

Progress = Callable[[int, int], None]
"""called with (steps done, steps in all)"""
Batch = tuple[torch.Tensor, torch.Tensor]


def fit(
    module: nn.Module, windows: WindowSet, how: Fit, seed: int, progress: Progress | None = None
) -> nn.Module:
    """The module (batch, channel, 1, time) -> (batch, gesture), fitted; the same object.

    The same seed, windows and weights give the same result. One thread: the order of a sum is
    part of the result, and networks this small gain nothing from a second.
    """
    threads_n = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning advises worker processes; there is no loading
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        lightning.seed_everything(seed, verbose=False)
        fitting = _Fitting(module, how, seed, progress)
        lightning.Trainer(
            max_steps=how.steps,
            accelerator="auto",
            devices=1,
            deterministic=True,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(fitting, DataLoader(_Draws(windows, how, seed), batch_size=None))
    torch.set_num_threads(threads_n)
    module.load_state_dict(fitting.averaged)
    return module.cpu().eval()


class _Draws(IterableDataset[Batch]):
    """Random windows with replacement, as many batches as the fit has steps."""

    def __init__(self, windows: WindowSet, how: Fit, seed: int) -> None:
        self._windows, self._how, self._seed = windows, how, seed

    def __len__(self) -> int:
        return self._how.steps

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self._seed)
        for _ in range(self._how.steps):
            which = rng.integers(0, len(self._windows), self._how.batch)
            x = torch.from_numpy(self._windows.windows(which))
            yield x, torch.from_numpy(self._windows.gestures[which])


class _Fitting(lightning.LightningModule):  # type: ignore[misc]
    def __init__(self, module: nn.Module, how: Fit, seed: int, progress: Progress | None) -> None:
        super().__init__()
        self.module, self.how, self.progress = module, how, progress
        self.averaged: dict[str, torch.Tensor] = {}
        self._generator = torch.Generator().manual_seed(seed)

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        x, y = batch
        logits = self.module(augmented(x, self.how, self._generator)[:, :, None, :])
        return cross_entropy(logits, y, label_smoothing=self.how.label_smoothing)

    def on_train_batch_end(self, *_: Any) -> None:
        done = self.global_step
        if done * 4 >= self.how.steps:
            with torch.no_grad():
                for name, value in self.module.state_dict().items():
                    kept = self.averaged.setdefault(name, value.clone())
                    if value.dtype.is_floating_point:
                        kept.lerp_(value, 1 - self.how.average)
                    else:
                        kept.copy_(value)
        if self.progress:
            self.progress(done, self.how.steps)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.how.rate, weight_decay=self.how.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, self.how.warmup_steps))
        return warm * 0.5 * (1 + math.cos(math.pi * step / self.how.steps))


def augmented(x: torch.Tensor, how: Fit, generator: torch.Generator) -> torch.Tensor:
    """Windows (batch, channel, time) as another donning might have given them."""
    batch, channels, _ = x.shape

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(x.device)

    mixing = torch.eye(channels, device=x.device) + how.mix * normal(batch, channels, channels)
    gains = how.gain * normal(batch, 1, 1) + how.channel_gain * normal(batch, channels, 1)
    x = torch.bmm(mixing * torch.exp(gains), x)
    return x + how.noise * normal(*x.shape) if how.noise else x
