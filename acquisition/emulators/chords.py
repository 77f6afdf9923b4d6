"""A board with the Chords firmware: the words it answers and the frames it sends."""

from __future__ import annotations

from acquisition.chords import BOARDS, HEAD, TAIL, frame_n, spec_of
from acquisition.emulators.twin import Pace, Said, Signal, Transport, pattern


class ChordsTwin:
    """One board. It streams from START until any byte comes."""

    transport = Transport("serial", {})
    samples_per_frame = 1

    def __init__(self, signal: Signal | None = None, *, board: str = "uno-r4") -> None:
        self._board = BOARDS[board]
        self.spec = spec_of(self._board)
        self.count_range = 0, 2**self._board.bits - 1
        self.signal = signal or pattern(self._board.channels_n, *self.count_range)
        self._pace = Pace(1 / self._board.rate_hz)
        self._frame_n = 0
        self._heard = b""
        self.vital = b"\xff" * 3 + bytes(frame_n(self._board) - 4) + b"\xff"

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        self._pace.stop()
        *words, self._heard = (self._heard + data)[-256:].split(b"\n")
        return [answer for word in words for answer in self._answer(word.strip(), now_s)]

    def _answer(self, word: bytes, now_s: float) -> list[Said]:
        if word == b"WHORU":
            return [Said(f"{self._board.replies[0]}\r\n".encode())]
        if word == b"STATUS":
            return [Said(b"STOPPED\r\n")]
        if word == b"START":
            self._frame_n = 0
            self._pace.start(now_s)
        return []

    def due(self, now_s: float) -> list[Said]:
        n = self._pace.due_n(now_s)
        numbers = range(self._frame_n, self._frame_n + n)
        self._frame_n += n
        return [Said(self._frame(k), sample_n=k) for k in numbers]

    def _frame(self, n: int) -> bytes:
        values = b"".join(int(v).to_bytes(2, "big") for v in self.signal(n, 1)[0])
        return HEAD + bytes([n % 256]) + values + bytes([TAIL])


def chords_twin(signal: Signal | None = None, *, board: str = "uno-r4") -> ChordsTwin:
    return ChordsTwin(signal, board=board)
