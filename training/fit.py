"""The loop of every training (Lightning): averaged weights, early stopping, and a place to go on
from when it was interrupted."""

from __future__ import annotations

import copy
import hashlib
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from training.recipe import Fit
from training.tasks import Batch, Task

Progress = Callable[[int, int], None]
"""called with (steps done, steps in all)"""
CHECKPOINTS_N = 10
"""Times that a fit with a folder saves itself."""
CHECKED = "held_out_loss"


def fit(
    module: nn.Module,
    task: Task,
    how: Fit,
    seed: int,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> nn.Module:
    """The module, fitted to the task; the same object, with averaged weights.

    The same seed, task and weights give the same result on the same kind of processor, interrupted
    or not. One thread: the order of a sum is part of the result, and networks this small gain
    nothing from a second. On a graphics processor it runs in bfloat16 where that has it.

    folder: where TensorBoard's logs go, and what a later call goes on from after an interruption
    (of the same task and settings; anything else there is begun anew).
    """
    threads_n = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning advises worker processes; there is no loading
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        lightning.seed_everything(seed, verbose=False)
        key = _key(module, task, how, seed) if folder else ""
        fitting = _Fitting(module, task, how, seed, progress, key)
        saved, first = _interrupted(folder, key)
        trainer = _trainer(how, folder)
        once: Any = [0]  # each check looks at the held-out data as a whole
        checks: Any = DataLoader(once, batch_size=None) if how.check_steps else None
        trainer.fit(
            fitting,
            DataLoader(_Draws(task, how, seed, first), batch_size=None),
            checks,
            ckpt_path=saved,
            weights_only=True,
        )
    torch.set_num_threads(threads_n)
    if folder:
        _checkpoint(folder).unlink(missing_ok=True)
    module.load_state_dict(fitting.best or fitting.averaged)
    return module.cpu().eval()


def _trainer(how: Fit, folder: Path | None) -> lightning.Trainer:
    fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    callbacks: list[Any] = [_Averaging()]
    if how.check_steps:
        callbacks.append(EarlyStopping(CHECKED, patience=how.patience_checks))
    if folder:
        every = max(1, how.steps // CHECKPOINTS_N)
        callbacks.append(
            ModelCheckpoint(folder, "last", every_n_train_steps=every, enable_version_counter=False)
        )
    return lightning.Trainer(
        max_steps=how.steps,
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if fast else "32-true",
        deterministic=True,
        logger=_logger(folder),
        log_every_n_steps=max(1, min(10, how.steps)),
        callbacks=callbacks,
        val_check_interval=how.check_steps or None,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _logger(folder: Path | None) -> Any:
    """Logs for TensorBoard, where that is installed; Lightning refuses to run otherwise."""
    if folder is None or find_spec("tensorboard") is None:
        return False
    return TensorBoardLogger(folder, name="", version="logs")


class _Draws(IterableDataset[Batch]):
    """The batches of a task from step `first` on. Each step has a generator of its own, so that a
    fit that goes on draws what it would have drawn."""

    def __init__(self, task: Task, how: Fit, seed: int, first: int) -> None:
        self._task, self._how, self._seed, self._first = task, how, seed, first

    def __iter__(self) -> Iterator[Batch]:
        for step in range(self._first, self._how.steps):
            yield self._task.draw(np.random.default_rng((self._seed, step)))


class _Averaging(lightning.Callback):  # type: ignore[misc]
    """Before Lightning saves a checkpoint, which it does after all other callbacks, and before the
    module's own hooks are called."""

    def on_train_batch_end(self, _: Any, fitting: Any, *__: Any) -> None:
        fitting.average()


class _Fitting(lightning.LightningModule):  # type: ignore[misc]
    def __init__(
        self,
        module: nn.Module,
        task: Task,
        how: Fit,
        seed: int,
        progress: Progress | None,
        key: str,
    ) -> None:
        super().__init__()
        self.key = key
        self.module, self.parts = module, task.parts
        self.task, self.how, self.seed, self.progress = task, how, seed, progress
        self.averaged: dict[str, torch.Tensor] = {}
        self.best: dict[str, torch.Tensor] = {}
        self.best_loss = math.inf

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)  # dropout's, by step
        loss = self.task.loss(self.module, batch, self.global_step / self.how.steps)
        self.log("loss", loss, batch_size=1)
        return loss

    def average(self) -> None:
        """What follows a step: the averaged weights move, the task hears, the caller is told."""
        done = self.global_step
        if done * 4 >= self.how.steps:
            with torch.no_grad():
                for name, value in self.module.state_dict().items():
                    kept = self.averaged.setdefault(name, value.clone())
                    if value.dtype.is_floating_point:
                        kept.lerp_(value, 1 - self.how.average)
                    else:
                        kept.copy_(value)
        self.task.after_step(self.averaged)
        if self.progress:
            self.progress(done, self.how.steps)

    def validation_step(self, *_: Any) -> None:
        weights = self.averaged or self.module.state_dict()
        checked = copy.deepcopy(self.module).cpu().eval()
        checked.load_state_dict(weights)
        device = self.device
        self.parts.cpu()
        loss = self.task.check(checked)
        self.parts.to(device)
        if loss < self.best_loss:
            self.best_loss = loss
            self.best = {name: value.clone() for name, value in weights.items()}
        self.log(CHECKED, loss, batch_size=1)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["fit"] = [self.key, self.averaged, self.best, self.best_loss]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        _, self.averaged, self.best, self.best_loss = checkpoint["fit"]
        self.task.after_step(self.averaged)

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


def _checkpoint(folder: Path) -> Path:
    return folder / "last.ckpt"


def _interrupted(folder: Path | None, key: str) -> tuple[str | None, int]:
    """(checkpoint to go on from, steps it has behind it), where it is of the same fit."""
    path = _checkpoint(folder) if folder else None
    if path is None or not path.is_file():
        return None, 0
    saved = torch.load(path, map_location="cpu", weights_only=True)
    if saved.get("fit", [""])[0] != key:
        path.unlink()
        return None, 0
    return str(path), int(saved["global_step"])


def _key(module: nn.Module, task: Task, how: Fit, seed: int) -> str:
    """What must be equal for a fit to be the same one."""
    first = task.draw(np.random.default_rng((seed, 0)))
    digest = hashlib.sha256(f"{type(module)} {asdict(how)} {seed}".encode())
    for tensor in (*first, *module.state_dict().values()):
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
