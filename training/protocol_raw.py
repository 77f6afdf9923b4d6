"""The protocol "myo-families": every family of networks on the people of the protocol "myo".

As training.protocol_myo scores, but that the artifacts of one wearer (fixed and adaptive, int8 and
float) see each window together, so that its filters run once; and every wearer's shares are kept,
so that a run that was interrupted goes on. Some rows have several seeds.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.myo_files import MYO_GESTURES
from acquisition.session import Session
from acquisition.stream import Refused
from models.artifact import Artifact
from models.decoder import open_decoder
from models.score import Decided, Score, score
from training.cost import counted, hop_us
from training.datasets import Segment, fingerprint, read_myo_armband
from training.evaluate import pieces, prompts
from training.export import code_commit, replace_file
from training.fit import Progress
from training.protocol_myo import CALIBRATION, REST, TESTS, Case, row_of, stream_of
from training.raw_makers import FAMILIES, LINEAR, Make, linear_maker, network_maker
from training.splits import Selection, refuse_overlap, select
from training.train import provenance

TUNED, RING, ADAPTIVE = "_tuned", "_ring", "_adaptive"
SEEDS: Mapping[str, tuple[int, ...]] = dict.fromkeys(
    ("second_order_episodic_tuned", "second_order_tuned", "second_order_ring", "mlp_ring"),
    (0, 1, 2),
)
"""model without "_adaptive" -> seeds, where it has more than 0"""
MODELS = (
    *(
        f"{family}{kind}{how}"
        for family in FAMILIES
        for kind in (RING, TUNED)
        for how in ("", ADAPTIVE)
    ),
    *LINEAR,
)
"""family, "_ring" (the turn of the ring found, nothing fitted but the head) or "_tuned" (fitted to
the calibration as well), and "_adaptive" where the head follows the wearer"""


@dataclass(frozen=True)
class Asked:
    """What is to be measured, and where it is kept."""

    root: Path
    folder: Path
    models: tuple[str, ...]
    cycles: tuple[int, ...]
    users: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class People:
    """The data, read once."""

    segments: tuple[Segment, ...]
    general: tuple[Segment, ...]
    users: tuple[str, ...]
    digest: str


def run_families(asked: Asked, progress: Progress | None = None) -> dict[str, Any]:
    """The rows of the protocol, one family and seed after the other."""
    people = _people(asked)
    groups: dict[str, list[str]] = {}
    for model in asked.models:
        groups.setdefault(model.removesuffix(ADAPTIVE), []).append(model)
    found: dict[tuple[str, int], list[list[dict[str, Any]]]] = {}
    whole = sum(len(SEEDS.get(group, (0,))) for group in groups)
    steps_n, done = whole * len(asked.cycles) * len(people.users), 0
    begin = time.perf_counter()
    for group, models in groups.items():
        for seed in SEEDS.get(group, (0,)):
            maker = _Late(group, seed, asked, people)
            for count in asked.cycles:
                scored: dict[str, list[dict[str, Any]]] = {model: [] for model in models}
                for user in people.users:
                    for model, shares in _wearer(maker, models, user, count).items():
                        scored[model].append(shares)
                    done += 1
                    if progress:
                        progress(done, steps_n)
                for model, told in scored.items():
                    found.setdefault((model, count), []).append(told)
    return {
        "protocol": "myo-families",
        "window_samples": Case().window_samples,
        "skewed": False,
        "data_digest": people.digest,
        "took_s": round(time.perf_counter() - begin, 1),
        "seeds": {group: list(SEEDS.get(group, (0,))) for group in groups},
        "rows": [_row(*key, people.users, seeds) for key, seeds in found.items()],
    }


def _people(asked: Asked) -> People:
    segments = read_myo_armband(asked.root)
    known = {s.user for s in segments if s.user.startswith("evaluation/")}
    others = tuple(sorted({s.user for s in segments if s.user.startswith("pretraining/")}))
    general = select(segments, Selection(users=others))
    users = asked.users or tuple(sorted(known))
    return People(segments, general, users, fingerprint(asked.root))


class _Late:
    """What deploys a model, made when the first wearer is not kept yet."""

    def __init__(self, group: str, seed: int, asked: Asked, people: People) -> None:
        self.group, self.seed, self.asked, self.people = group, seed, asked, people
        self.recipe: Any = LINEAR.get(group)
        self.tune = group.endswith(TUNED)
        if self.recipe is None:
            family = group.removesuffix(TUNED).removesuffix(RING)
            self.recipe = replace(FAMILIES[family], seed=seed)
        self._make: Make | None = None

    def make(self) -> Make:
        if self._make is None:
            told = (self.people.general, MYO_GESTURES, REST, self.recipe)
            if self.group in LINEAR:
                self._make = linear_maker(*told, Case().window_samples)
            else:
                self._make = network_maker(*told, self.asked.folder, tune=self.tune)
        return self._make

    def kept_at(self, model: str, user: str, count: int) -> Path:
        """Where one wearer's shares are kept. At 0 cycles there is nothing to tune on."""
        told = f"{self.recipe} {self.tune and count} {self.people.digest} {model} {user} {count}"
        key = hashlib.sha256(told.encode()).hexdigest()[:12]
        name = f"{model}-{user.replace('/', '-')}-{count}-{self.seed}-{key}.json"
        return self.asked.folder / "rows" / name


def _wearer(
    maker: _Late, models: Sequence[str], user: str, count: int
) -> dict[str, dict[str, Any]]:
    """model -> shares of one wearer, kept or measured."""
    places = {model: maker.kept_at(model, user, count) for model in models}
    if all(place.exists() for place in places.values()):
        return {model: json.loads(place.read_text()) for model, place in places.items()}
    people, folder = maker.people, maker.asked.folder
    own: Sequence[Segment] = ()
    if count:
        cut = Selection((user,), (CALIBRATION,), tuple(range(count)))
        own = select(people.segments, cut)
    test = select(people.segments, Selection((user,), TESTS))
    refuse_overlap({"pre-training": people.general, "calibration": own, "test": test})
    others = tuple(sorted({s.user for s in people.general}))
    where = {"pretraining": others, "calibration": (f"{user} x{count}",)}
    origin = provenance("MyoArmbandDataset", people.digest, where, maker.seed, {})
    made, taken_s, begin = [], 0.0, time.process_time()
    for model in models:
        path = folder / f"{model}-{user.replace('/', '-')}-{count}-{maker.seed}.onnx"
        *pair, taken_s = maker.make()(
            path, own, origin, adaptive=model.endswith(ADAPTIVE), name=model
        )
        made.append((pair[0], pair[1]))
    scored = scored_together(made, stream_of(test, Case()))
    spent = {"cal": taken_s, "cpu": (time.process_time() - begin) / len(models)}
    out = {}
    for model, shares in zip(models, scored, strict=True):
        out[model] = shares | spent | {"commit": code_commit()}
        replace_file(places[model], json.dumps(out[model]).encode())
    return out


def scored_together(
    made: Sequence[tuple[Artifact, Artifact]], streams: Sequence[Session]
) -> list[dict[str, Any]]:
    """Shares of each (int8, float) pair over the sessions. All artifacts have the same chain and
    spec: the first one's windows are everybody's, and each decides on every one in turn."""
    chains = {small.contract.chain for pair in made for small in pair}
    if len(chains) != 1:
        raise Refused("Artifacts that are scored together need the same stages; score them apart.")
    out: list[dict[str, Any]] = [
        {"int8": [], "float": [], "agreement": [], "rest": [], "confusion": {}} for _ in made
    ]
    taken_s, decided_n = np.zeros(1 + len(made)), 0
    for stream in streams:
        told, seconds = _decisions(made, stream)
        taken_s += seconds
        decided_n += len(told[0][0])
        for shares, (small, _), (ours, theirs) in zip(out, made, told, strict=True):
            first, second = (_score(small, answers, stream) for answers in (ours, theirs))
            if first.accuracy is None or second.accuracy is None:
                raise Refused("A session of the protocol has no window that can be scored.")
            equal = [a.gesture == b.gesture for a, b in zip(ours, theirs, strict=True)]
            shares["int8"].append(first.accuracy)
            shares["float"].append(second.accuracy)
            shares["agreement"].append(float(np.mean(equal)))
            shares["rest"].append(first.rest_false_activation or 0.0)
            _add(shares["confusion"], first.confusion)
    for n, (shares, (small, full)) in enumerate(zip(out, made, strict=True)):
        for name in ("int8", "float", "agreement", "rest"):
            shares[name] = float(np.mean(shares[name]))
        shares["params"], shares["macs"] = counted(Path(full.path).read_bytes())
        shares |= {"bytes": small.bytes_n, "us": hop_us(small)}
        shares["quantization"] = small.contract.quantization.method
        shares["decision_us"] = 1e6 * float(taken_s[0] + taken_s[n + 1]) / decided_n
    return out


def _decisions(
    made: Sequence[tuple[Artifact, Artifact]], stream: Session
) -> tuple[list[tuple[list[Decided], list[Decided]]], Any]:
    """(every pair's decisions, seconds of the stages and of each int8 artifact)"""
    decoders = [[open_decoder(one, stream.spec) for one in pair] for pair in made]
    states = [[decoder.start() for decoder in pair] for pair in decoders]
    told: list[tuple[list[Decided], list[Decided]]] = [([], []) for _ in made]
    taken_s = np.zeros(1 + len(made))
    for chunk in pieces(stream):
        begin = time.perf_counter()
        windows = decoders[0][0].push(chunk, states[0][0])
        taken_s[0] += time.perf_counter() - begin
        for n in range(len(made)):
            for which in (0, 1):
                decoder, state = decoders[n][which], states[n][which]
                begin = time.perf_counter()
                told[n][which].extend(
                    Decided(window.sample_n, decoder.decide(window, state).gesture)
                    for window in windows
                )
                taken_s[n + 1] += (time.perf_counter() - begin) * (which == 0)
    return told, taken_s


def _score(artifact: Artifact, made: Sequence[Decided], stream: Session) -> Score:
    contract = artifact.contract
    return score(
        list(made),
        prompts(stream, contract.labels),
        rest=contract.rest,
        settle_s=0.0,
        window_samples=contract.windows.length_samples,
        rate_hz=contract.spec.rate_hz,
    )


def _row(
    model: str, count: int, users: Sequence[str], seeds: Sequence[Sequence[dict[str, Any]]]
) -> dict[str, Any]:
    """One row, each user's shares being the mean over the seeds."""
    merged = []
    for shares in zip(*seeds, strict=True):
        one: dict[str, Any] = {
            name: float(np.mean([each[name] for each in shares]))
            for name, value in shares[0].items()
            if isinstance(value, (int, float))
        }
        one["confusion"] = {}
        for each in shares:
            _add(one["confusion"], each["confusion"])
        merged.append(one)
    row = row_of(model, count, users, merged)
    row["mean_by_seed"] = [float(np.mean([one["int8"] for one in shares])) for shares in seeds]
    row["worst_by_seed"] = [float(min(one["int8"] for one in shares)) for shares in seeds]
    spent = [float(one["cpu"]) for shares in seeds for one in shares if "cpu" in one]
    row["cpu_s"] = sum(spent) if len(spent) == len(seeds) * len(users) else None
    row["quantization"] = seeds[0][0].get("quantization")
    row["commits"] = sorted({one["commit"] for shares in seeds for one in shares})
    return row


def _add(whole: dict[str, dict[str, int]], part: Mapping[str, Mapping[str, int]]) -> None:
    for want, row in part.items():
        for got, n in row.items():
            whole.setdefault(want, {})[got] = whole.get(want, {}).get(got, 0) + n
