"""A temporal convolutional network over the course of each muscle's effort, beside a linear part.

Source of the form: wide and deep learning (Cheng et al., arXiv 1606.07792), the deep part being the
dilated blocks of training/networks/tcn.py. The wide part holds what a ridge regression with lags
would, and radial units around windows of the wearer what a kernel regression would (Broomhead and
Lowe 1988). The weights of all three are fitted to a wearer at once, in closed form.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from torch import nn

from acquisition.stream import Refused
from training.networks import Size
from training.networks.cnn import convolution
from training.networks.tcn import dilations

LAG_STEPS = 5
"""The linear part sees means over so many steps."""


class Blocks(nn.Module):
    """(batch, body x width, 1, steps) -> (batch, body x width, 1, steps - dilation): the block of
    training.networks.tcn for several bodies beside one another, of which none sees another."""

    def __init__(self, width: int, dilation: int, bodies_n: int) -> None:
        super().__init__()
        self.dilation = dilation
        n = width * bodies_n
        self.patterns = nn.Sequential(
            nn.Conv2d(n, n, (1, 2), dilation=(1, dilation), groups=bodies_n, bias=False),
            nn.BatchNorm2d(n),
            nn.ReLU(),
            nn.Conv2d(n, n, 1, groups=bodies_n, bias=False),
            nn.BatchNorm2d(n),
            nn.ReLU(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        average = 0.5 * (x[..., self.dilation :] + x[..., : -self.dilation])
        return cast("torch.Tensor", average + self.patterns(x))


class CourseNetwork(nn.Module):
    """(batch, feature) of preprocessing.course -> (batch, output).

    width: of each of the bodies, which learn from different people.
    """

    TAKES: ClassVar[str] = "features"
    INT8: ClassVar[tuple[str, ...]] = ("Conv",)

    def __init__(self, size: Size, width: int, *, units: int = 0, bodies: int = 1) -> None:
        super().__init__()
        self.steps_n = size.window_samples // size.hop_samples
        self.rows_n = size.features_n // self.steps_n
        if self.steps_n < LAG_STEPS or self.rows_n * self.steps_n != size.features_n:
            raise Refused(
                f'The network "course" takes the features "course" of at least {LAG_STEPS} hops; '
                f"the recipe gives {size.features_n} features of {self.steps_n} hops."
            )
        self.window = (self.rows_n, 1, self.steps_n)
        self.bodies_n, self.deep_n = bodies, width * bodies
        self.front = nn.Sequential(*convolution(self.rows_n, self.deep_n, 1, 1))
        self.blocks = nn.ModuleList(Blocks(width, d, bodies) for d in dilations(self.steps_n))
        self.drop = nn.Dropout(0.1)
        self.lags = nn.AvgPool2d((1, LAG_STEPS))
        self.wide_n = self.rows_n * (self.steps_n // LAG_STEPS)
        self.centres = nn.Linear(self.wide_n, units) if units else None
        """Of each radial unit: twice the products with its centre, less the centre's square; all
        after `measure`."""
        self.measure = nn.Parameter(torch.zeros(2, self.wide_n), requires_grad=False)
        """What the linear columns are multiplied by for a distance, and moved by then."""
        self.head = nn.Linear(self.deep_n + self.wide_n + units, size.outputs_n)
        nn.init.zeros_(self.head.weight[:, self.deep_n :])

    def deep(self, course: torch.Tensor) -> torch.Tensor:
        """(batch, row, 1, step) -> (batch, body x width, 1, step - steps_n + 1): one answer for
        each step that has a whole window behind it."""
        x = self.front(course)
        for block in self.blocks:
            x = block(x)
        return cast("torch.Tensor", x)

    def beside(self, course: torch.Tensor) -> torch.Tensor:
        """(batch, row, 1, steps_n) -> (batch, column): the linear and the radial columns."""
        newest = course[..., self.steps_n % LAG_STEPS :]
        wide = cast("torch.Tensor", self.lags(newest)).flatten(1)
        if self.centres is None:
            return wide
        near = wide * self.measure[0] + self.measure[1]
        square = (near * near).sum(1, keepdim=True)
        return torch.cat([wide, torch.exp(self.centres(near) - square)], 1)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        course = x.reshape(-1, *self.window)
        return torch.cat([self.deep(course)[:, :, 0, 0], self.beside(course)], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return cast("torch.Tensor", self.head(self.drop(self.embed(x))))
