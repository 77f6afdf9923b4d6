"""What the device shows for pairing: the address, a short code, and both as a picture to scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexor.dashboard.keys import fingerprint

if TYPE_CHECKING:
    from flexor.dashboard.app import Address
    from flexor.dashboard.desk import Desk


def greet(desk: Desk, scheme: str, address: Address) -> None:
    """Prints where the page is, and how a browser is paired where that is needed.

    The code stands behind the # of the address, which no browser sends: it is in no log.
    """
    hosts = address.hosts()
    print(f"The page is at {scheme}://{hosts[0]}", flush=True)
    for other in hosts[1:]:
        print(f"            or {scheme}://{other}")
    if not desk.access.policy.paired:
        print("Only browsers on this computer reach it. Ctrl-C ends it; a run goes on.", flush=True)
        return
    code = desk.access.new_code()
    minutes = desk.access.policy.code_s / 60
    print(
        f"Pair a browser within {minutes:g} minutes by this picture, or by the code {spaced(code)}"
    )
    print(qr(f"{scheme}://{hosts[0]}/pair#{code}"))
    print("The browser warns of the certificate once. Its SHA-256 has to be:")
    print(f"  {fingerprint(desk.folder / 'cert.pem')}", flush=True)


def spaced(code: str) -> str:
    """The code as it is read aloud."""
    return f"{code[:4]}-{code[4:]}"


def qr(text: str) -> str:
    """A QR code of half blocks, for a terminal."""
    import segno

    rows = [list(row) for row in segno.make(text, error="m").matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return "\n".join(
        "".join(blocks[int(bool(a)), int(bool(b))] for a, b in zip(top, low, strict=True))
        for top, low in zip(rows[::2], rows[1::2], strict=True)
    )
