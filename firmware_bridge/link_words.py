"""What the hand says on the link, in words for a person."""

from __future__ import annotations

from firmware_bridge.link import AckCode, HandFlag

REFUSALS: dict[int, str] = {
    AckCode.UNKNOWN: "it does not know that request",
    AckCode.WRONG_STATE: "its state does not allow it",
    AckCode.BUSY: "it is busy, or protects itself",
}
TROUBLES: dict[int, str] = {
    HandFlag.OVER_CURRENT: "The hand reports too much current in a motor: free the joint.",
    HandFlag.OVER_TEMPERATURE: "The hand reports that a motor is too hot: let it cool.",
    HandFlag.LOW_BATTERY: "The hand reports that its battery is low: charge it.",
    HandFlag.BROWN_OUT: "The hand reports that its supply breaks down: charge it.",
    HandFlag.RELEASE: "The button on the hand opens it; arm again afterwards.",
}
"""HandFlag -> what it means to the wearer"""
