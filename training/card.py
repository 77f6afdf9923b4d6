"""The model card, rendered from the contract: nothing in it is typed by hand."""

from __future__ import annotations

from models.contract import Contract
from preprocessing.stage import chain_to_json, to_row


def model_card(contract: Contract, digest: str, bytes_n: int) -> str:
    """Markdown that tells what an artifact is, what it demands and where it comes from."""
    from models.decision import DECISIONS

    spec, origin, small = contract.spec, contract.provenance, contract.quantization
    lines = [
        f"# {contract.name}",
        "",
        f"{_what(contract)} every "
        f"{1000 * contract.hop_s:.0f} ms, from windows whose middle is "
        f"{1000 * contract.delay_s:.0f} ms old.",
        "",
        "| | |",
        "|---|---|",
        f"| stream | {spec.rate_hz:g} Hz, {len(spec.channels)} channels "
        f"({', '.join(spec.channels)}), {spec.unit} |",
        f"| input, output | {contract.input.shape}, {contract.output.shape} |",
        f"| size | {bytes_n} bytes |",
        f"| quantization | {small.method} |",
        f"| equal decisions with float | {100 * small.agreement:.2f} % |",
        f"| largest difference of a logit | {small.max_error:.3f} |",
        f"| data | {origin.data} (sha256 {origin.data_digest[:16]}) |",
        *(f"| users: {split} | {', '.join(names)} |" for split, names in origin.users.items()),
        f"| seed, commit | {origin.seed}, {origin.commit} |",
        f"| graph, file (sha256) | {contract.digest[:16]}, {digest[:16]} |",
        "",
        "## Stages",
        "",
        *(f"1. {_row(row)}" for row in chain_to_json(contract.chain)),
        *(f"1. {_row(to_row(DECISIONS, stage))}" for stage in contract.decision),
        "",
        "## R2 of each target" if contract.targets else "## Share of windows decided rightly",
        "",
        "| who | |" if contract.targets else "| who | % |",
        "|---|---|",
        *(
            f"| {who} | {share:.3f} |" if contract.targets else f"| {who} | {100 * share:.2f} |"
            for who, share in origin.metrics.items()
        ),
        "",
    ]
    return "\n".join(lines)


def _what(contract: Contract) -> str:
    if contract.targets:
        return f"Estimates {', '.join(f'{t.name} ({t.unit})' for t in contract.targets)}"
    return f"Decides {', '.join(contract.labels)} (rest is {contract.rest})"


def _row(row: dict[str, object]) -> str:
    settings = []
    for key, value in row.items():
        if key == "kind":
            continue
        text = str(value)
        settings.append(f"{key} {text if len(text) <= 60 else f'({len(text)} characters)'}")
    return f"{row['kind']}: {', '.join(settings)}" if settings else str(row["kind"])
