"""Text encoder and click model: eager against `torch.export`, compiled ahead of time, ONNX Runtime, and bfloat16.

    pip install -c constraints.txt onnx onnxscript onnxruntime
    python benchmarks/speed/export.py          # writes benchmarks/results/export/export.json

One thread, as `lgsid serve` runs its models: on a busy machine, two wait for each other, eager's longer than ONNX
Runtime's, and what is measured is the wait. The contestants answer in turn, round by round; a ratio is eager's CPU
seconds over theirs in the same round, the median over the rounds with the quartiles: above 1 is faster than eager.
`wall` is the same of wall time. Eager is float32. `difference` is the largest absolute one from what eager returns.
Exported programs take batches of any size and prompts of any length; the compiled one and ONNX Runtime are made from
them. What ONNX Runtime has no kernel for is left out, with its message.

The encoder is the default one on prompts of places; in bfloat16 it is what `autocast: auto` makes of it where the
processor computes in bfloat16. The click model is DIN with semantic IDs, 50 candidates of a query, a history of 50
check-ins, 5,000 places; weights are random, which changes no time. Exported, it embeds every place of a batch, not each
distinct one once, whose number is not known before.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import statistics
import tempfile
import time
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnxruntime
import torch
from machine import machine
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as Unsupported
from torch import Tensor, nn
from torch.export import Dim

from lgsid.artefacts.files import write_json
from lgsid.recommenders import DIN
from lgsid.testing import toy_city
from lgsid.text import PromptTemplate, TextEncoder
from lgsid.typing import DataShape, SequenceBatch

RESULT = Path(__file__).resolve().parents[1] / "results" / "export" / "export.json"
THREADS, BATCHES = 1, (1, 8, 32)
CANDIDATES, HISTORY, ITEMS = 50, 50, 5000
TOLERANCES = {"bfloat16": 1e-2}  # of the others 1e-4: rounding in float32
Answer = Callable[..., Tensor]


class Case(NamedTuple):
    """A model: how it answers unexported, what is exported, its inputs for a batch, and which sizes of them vary."""

    unexported: Mapping[str, Answer]
    module: nn.Module
    inputs: Callable[[int], tuple[Tensor, ...]]
    sizes: Any


class PromptVectors(nn.Module):
    """The encoder from token ids to vectors."""

    def __init__(self, encoder: TextEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors (B, D) of token ids (B, S) and their mask (B, S)."""
        hidden = self.encoder.network(input_ids=ids, attention_mask=mask).last_hidden_state
        return nn.functional.normalize(self.encoder.pool(hidden, mask), dim=-1)


class CandidateLogits(nn.Module):
    """The click model from the columns of queries to logits."""

    def __init__(self, model: DIN) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        user: Tensor,
        history: Tensor,
        age: Tensor,
        hours: Tensor,
        weekdays: Tensor,
        now: Tensor,
        candidate: Tensor,
    ) -> Tensor:
        """Return the logits (B, C) of candidates; `now` (B, 2) is hour and weekday."""
        batch = SequenceBatch(
            row=user,
            user=user,
            history=history,
            history_age_s=age,
            history_hour=hours,
            history_weekday=weekdays,
            hour=now[:, 0],
            weekday=now[:, 1].long(),
            target=user,
            is_new=user < 0,
        )
        return self.model.candidate_scores(batch, candidate)


def embed_all(model: DIN, rows: Tensor) -> Tensor:
    """Embed items (...) one by one, in place of `DIN.embed_items`; shape (..., D)."""
    catalogue = model.catalogue
    parts = [model.item_table(rows), model.category_table(catalogue.category[rows])]
    parts.append(model.brand_table(catalogue.brand[rows]))
    parts += [table(catalogue.region[rows][..., level]) for level, table in enumerate(model.region_tables)]
    parts.append(model.sid_features(catalogue.codes[rows].flatten(0, -2)).view(*rows.shape, -1))
    return torch.tanh(model.project(torch.cat(parts, dim=-1)))


def encoder_case() -> Case:
    """Return the case of the text encoder."""
    encoder, lower = TextEncoder(autocast="float32").eval(), TextEncoder(autocast="bfloat16").eval()
    texts = PromptTemplate().prompts(toy_city(n_items=60).items)

    def inputs(n: int) -> tuple[Tensor, ...]:
        padded = encoder._tokenizer.pad({"input_ids": encoder.tokenize(texts[:n])}, return_tensors="pt")
        return padded["input_ids"], padded["attention_mask"]

    sizes = {0: Dim("batch", min=1, max=256), 1: Dim("length", min=2, max=128)}
    exported = PromptVectors(encoder).eval()

    def in_bfloat16(ids: Tensor, mask: Tensor) -> Tensor:
        return lower._embed({"input_ids": ids, "attention_mask": mask})

    return Case({"eager": exported, "bfloat16": in_bfloat16}, exported, inputs, (sizes, sizes))


def click_case() -> Case:
    """Return the case of the click model."""
    torch.manual_seed(0)
    shape = DataShape(ITEMS, 1000, (5, 40), 200, 10, 50, codebook_sizes=(64, 64, 64))
    eager, plain = DIN(), DIN()
    for model in (eager, plain):
        model.ensure_built(shape)
        catalogue = model.catalogue
        draw = torch.Generator().manual_seed(0)
        catalogue.codes.copy_(torch.randint(64, catalogue.codes.shape, generator=draw))
        catalogue.lat_deg.copy_(40.7 + 0.1 * torch.rand(ITEMS, generator=draw))
        catalogue.lon_deg.copy_(-74 + 0.1 * torch.rand(ITEMS, generator=draw))
        model.eval()
    plain.load_state_dict(eager.state_dict())
    plain.embed_items = types.MethodType(embed_all, plain)  # type: ignore[method-assign]

    def inputs(n: int) -> tuple[Tensor, ...]:
        draw = torch.Generator().manual_seed(n)
        past = (n, HISTORY)
        return (
            torch.randint(1000, (n,), generator=draw),
            torch.randint(ITEMS, past, generator=draw),
            torch.rand(past, generator=draw).double() * 1e6,
            torch.rand(past, generator=draw) * 24,
            torch.randint(7, past, generator=draw),
            torch.rand(n, 2, generator=draw) * 7,
            torch.randint(ITEMS, (n, CANDIDATES), generator=draw),
        )

    sizes = {0: Dim("batch", min=1, max=256)}
    return Case({"eager": CandidateLogits(eager).eval()}, CandidateLogits(plain).eval(), inputs, (sizes,) * 7)


def in_onnx_runtime(program: Any, folder: Path) -> Answer:
    """Return an exported program as ONNX Runtime answers."""
    path = folder / "model.onnx"
    torch.onnx.export(program, dynamo=True, verbose=False).save(str(path))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def answer(*inputs: Tensor) -> Tensor:
        given = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    return answer


def compiled(program: Any, folder: Path) -> Answer:
    """Return an exported program, compiled ahead of time."""
    path = str(folder / "model.pt2")
    torch._inductor.aoti_compile_and_package(program, package_path=path)
    answer: Answer = torch._inductor.aoti_load_package(path)
    return answer


CASES = {"text encoder": encoder_case, "click model": click_case}
CONTESTANTS: Mapping[str, Callable[[Any, Path], Answer]] = {
    "torch.export": lambda program, _: program.module(),
    "ONNX Runtime": in_onnx_runtime,
    "compiled": compiled,
}


def made(contestant: Callable[[Any, Path], Answer], program: Any, folder: Path) -> Answer | str:
    """Return a contestant made from an exported program, or why it cannot be."""
    try:
        return contestant(program, folder)
    except Unsupported as error:
        return str(error).strip().splitlines()[-1]


def measured(answers: Mapping[str, Answer], inputs: Sequence[Tensor], rounds: int) -> dict[str, Any]:
    """Let all answer in turn; return CPU seconds of eager, and of each other the ratios and the difference."""
    wanted = answers["eager"](*inputs)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in answers}
    for number in range(rounds + 2):
        for name, answer in answers.items():
            start = time.perf_counter(), time.process_time()
            answer(*inputs)
            if number >= 2:
                seconds[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    found: dict[str, Any] = {"eager": {"cpu_s": statistics.median(cpu for _, cpu in seconds["eager"])}}
    for name in [name for name in answers if name != "eager"]:
        pairs = list(zip(seconds["eager"], seconds[name], strict=True))
        ratios = sorted(eager[1] / theirs[1] for eager, theirs in pairs)
        found[name] = {
            "ratio": statistics.median(ratios),
            "low": ratios[len(ratios) // 4],
            "high": ratios[-1 - len(ratios) // 4],
            "wall": statistics.median(eager[0] / theirs[0] for eager, theirs in pairs),
            "difference": float((answers[name](*inputs) - wanted).abs().max()),
        }
        if not found[name]["difference"] < TOLERANCES.get(name, 1e-4):
            raise SystemExit(f"{name}: differs by {found[name]['difference']:g} from eager")
    return found


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60, help="rounds of each batch size")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--output", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    results: dict[str, Any] = {"rounds": given.rounds, "machine": machine(THREADS), "cases": {}, "left_out": {}}
    results["machine"] |= {"onnxruntime": onnxruntime.__version__}
    for case in given.cases:
        unexported, module, inputs, sizes = CASES[case]()
        results["cases"][case] = {}
        with torch.no_grad(), tempfile.TemporaryDirectory() as name:
            program = torch.export.export(module, inputs(8), dynamic_shapes=sizes)
            answers = dict(unexported)
            for one in given.contestants:
                found = made(CONTESTANTS[one], program, Path(name))
                if isinstance(found, str):
                    results["left_out"][f"{case}, {one}"] = found
                else:
                    answers[one] = found
            for batch in BATCHES:
                results["cases"][case][str(batch)] = measured(answers, inputs(batch), given.rounds)
    write_json(given.output, results)


if __name__ == "__main__":
    main()
