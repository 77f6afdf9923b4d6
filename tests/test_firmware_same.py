"""Every test of the simulated microcontroller, on the firmware in C."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import mcu_rig, test_mcu_protection, test_mcu_torque, test_simulated_mcu
from tests.firmware_rig import CMcu, c_model, library

pytestmark = pytest.mark.edge


@pytest.fixture(autouse=True, scope="module")
def _the_firmware_takes_the_place() -> Iterator[None]:
    library()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mcu_rig, "make", CMcu)
        patch.setattr(mcu_rig, "model", c_model)
        patch.setattr(test_simulated_mcu, "model", c_model)
        yield


for _module in (test_simulated_mcu, test_mcu_protection, test_mcu_torque):
    globals().update({name: test for name, test in vars(_module).items() if name[:5] == "test_"})
