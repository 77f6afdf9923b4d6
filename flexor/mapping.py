"""From a wearer's profile, an artifact and a hand to the way to control that fits all three."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from acquisition.stream import Refused
from firmware_bridge.assist_laws import Law, assist
from firmware_bridge.command import Mode
from firmware_bridge.control import HAND6_GRIPS, Control, control
from firmware_bridge.dofs import Dof, dofs
from firmware_bridge.fallback import Guarded
from firmware_bridge.grips import fitted
from firmware_bridge.hands import HandSpec
from firmware_bridge.steer import Steering
from firmware_bridge.two_site import Direct, Function, two_site
from flexor.efforts import Efforts
from flexor.profile import Profile
from models.contract import Contract

USUAL_FUNCTIONS = {"power": "hand_close", "tripod": "wrist_extension", "thumb": "ulnar_deviation"}
"""What two sites move when a profile names nothing: name -> the gesture whose usual grip it is."""
USES = {
    "grips": ("grips", "levels", "fallback", "sites", "two_site", "functions"),
    "dofs": ("dofs",),
    "two_site": ("sites", "two_site", "functions"),
    "assist": ("assist", "sites"),
}
"""Mode -> the profile's tables that it reads."""
BEHIND = ("sites", "two_site", "functions")
"""Tables of grips that nothing reads without [fallback]."""


def steering_for(profile: Profile, contract: Contract, hand: HandSpec) -> Steering:
    """What `[control] mode` says, checked against the artifact and the hand.

    Refuses an unknown mode with the nearest, tables of another mode, and whatever does not fit.
    """
    mode = profile.control.mode
    if mode not in MODES:
        near = get_close_matches(mode, MODES, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise Refused(f'The profile controls by "{mode}"; there are {", ".join(MODES)}.{hint}')
    _refuse_idle_tables(profile)
    if mode != "assist" and Mode.VELOCITY not in hand.modes:
        takes = [known.name.lower() for known in hand.modes]
        raise Refused(
            f"Control by {mode} gives velocities, and the {hand.name} takes {takes}: write "
            f'mode = "assist" under [control].'
        )
    return MODES[mode](profile, contract, hand)


def efforts_for(profile: Profile, contract: Contract) -> Efforts | None:
    """What follows single muscles; None where the way to control needs none."""
    if not profile.sites or (profile.control.mode == "grips" and profile.fallback is None):
        return None
    return Efforts(profile.sites, contract.spec)


def _grips(profile: Profile, contract: Contract, hand: HandSpec) -> Control | Guarded:
    if contract.targets:
        raise Refused(
            f"The profile maps gestures, and the artifact gives the targets "
            f'{[target.name for target in contract.targets]}: write mode = "dofs" under [control].'
        )
    grips = profile.control_grips(contract.labels, contract.rest)
    if not profile.grips:
        grips = fitted(hand, grips)
    ready = control(grips, hand, contract.labels, 1 / contract.hop_s)
    if profile.fallback is None:
        return ready
    direct = _two_site(profile, contract, hand)
    return Guarded(profile.fallback, ready, direct, ready.still)


def _dofs(profile: Profile, contract: Contract, hand: HandSpec) -> Steering:
    tops = {target.name: max(abs(target.low), abs(target.high)) for target in contract.targets}
    wanted = [
        Dof(d.target, tuple(d.joints.items()), d.mode, d.dead_band, d.gain, d.maximum, d.invert)
        for d in profile.dofs
    ]
    return dofs(wanted, hand, tops, 1 / contract.hop_s)


def _two_site(profile: Profile, contract: Contract, hand: HandSpec) -> Direct:
    names = [site.name for site in profile.sites]
    if len(names) != 2:
        raise Refused(
            f"Direct control needs two sites, and the profile has {names}: write two [[sites]], "
            f"first the one that closes."
        )
    functions = [Function(f.name, tuple(f.joints.items())) for f in profile.functions]
    return two_site(profile.two_site, functions or usual_functions(hand), hand, 1 / contract.hop_s)


def _assist(profile: Profile, contract: Contract, hand: HandSpec) -> Steering:
    laws: list[Law] = [*profile.assist.torque, *profile.assist.follow, *profile.assist.gravity]
    names = [site.name for site in profile.sites]
    targets = [target.name for target in contract.targets]
    return assist(laws, profile.assist.stops, hand, names, targets, 1 / contract.hop_s)


MODES: dict[str, Callable[[Profile, Contract, HandSpec], Steering]] = {
    "grips": _grips,
    "dofs": _dofs,
    "two_site": _two_site,
    "assist": _assist,
}


def usual_functions(hand: HandSpec) -> list[Function]:
    """Power grip, tripod and thumb, as far as this hand has their joints."""
    grips = {grip.gesture: grip for grip in fitted(hand, HAND6_GRIPS).grips}
    return [
        Function(name, grips[gesture].joints)
        for name, gesture in USUAL_FUNCTIONS.items()
        if grips[gesture].joints
    ]


def _refuse_idle_tables(profile: Profile) -> None:
    """A table that nothing reads is a mistake: its writer expects something of it."""
    mode, usual = profile.control.mode, Profile()
    used = USES[mode]
    if mode == "grips" and profile.fallback is None:
        used = tuple(name for name in used if name not in BEHIND)
    known = {name for names in USES.values() for name in names}
    idle = sorted(
        name for name in known - set(used) if getattr(profile, name) != getattr(usual, name)
    )
    if idle:
        if mode == "grips" and idle[0] in BEHIND:
            mend = "write [fallback]"
        else:
            reader = next(name for name, uses in USES.items() if idle[0] in uses)
            mend = f'write mode = "{reader}" under [control]'
        raise Refused(
            f"The profile has [{idle[0]}], which control by {mode} does not read: remove it, or "
            f"{mend}."
        )
