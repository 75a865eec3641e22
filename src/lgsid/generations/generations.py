"""A root of generations: one is current, and each new one is made from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.files import write_text
from lgsid.artefacts.items import Items
from lgsid.artefacts.locks import LOCK_FILE, NOTE_SUFFIX, locked
from lgsid.artefacts.names import CURRENT_FILE, MANIFEST_FILE
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.sids_file import GENERATION, current_number, generation_folder, is_generation
from lgsid.errors import LgsidError
from lgsid.generations.append import Append
from lgsid.generations.change import Change
from lgsid.generations.delta import APPENDED, Delta
from lgsid.generations.generation import Generation
from lgsid.generations.generation_writer import GenerationWriter, sweep
from lgsid.generations.move import Move
from lgsid.generations.outcome import Outcome
from lgsid.generations.refit import Refit
from lgsid.generations.register import Register, moved, renamed
from lgsid.generations.relabeler import Relabeler
from lgsid.generations.retire import Retire
from lgsid.generations.tokenizer_file import TokenizerFile
from lgsid.generations.update import Update

if TYPE_CHECKING:
    from lgsid.tokenizers.tokenizer import Tokenizer

PUBLISH = "publish"


class Generations:
    """Semantic IDs that live: places open, move and close, and every state is a generation of its own.

    A generation is complete with its manifest, and never changes; the file `current` in the root names the current
    one. One process writes at a time, and any number may read. A writer that was killed leaves at most a folder without
    a manifest, which the next one removes.

    Args:
        root: The folder.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def __iter__(self) -> Iterator[Generation]:
        """Yield all complete generations in the order of their numbers, those that were rolled back, too."""
        return (Generation(self.root, number) for number in self.numbers)

    def __getitem__(self, number: int) -> Generation:
        """Return a generation by its number.

        Raises:
            LgsidError: if there is none.
        """
        return Generation(self.root, number)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the complete generations."""
        found = self.root.iterdir() if self.root.is_dir() else iter(())
        return sorted(int(folder.name) for folder in found if is_generation(folder))

    @property
    def current(self) -> Generation:
        """The current generation.

        Raises:
            LgsidError: if there is none, or its pointer or manifest is damaged.
        """
        number = current_number(self.root)
        if number is None:
            raise LgsidError(f"{self.root}: no generations in it; `lgsid sids publish` makes the first one")
        return Generation(self.root, number)

    def publish(self, sids: SemanticIDs, items: Items, checkpoint: str | Path | None = None) -> Outcome:
        """Make the first generation.

        Args:
            sids: Semantic IDs of the items, each once.
            items: The places; their order is that of rows from now on.
            checkpoint: Checkpoint of the tokenizer that made them; without it, no place can be appended.

        Raises:
            LgsidError: if the root holds other generations, or something else.
        """
        register = Register.of(items, sids)
        tokenizer = None if checkpoint is None else TokenizerFile.of(checkpoint, self.root)
        delta = Delta.of(register.ids, APPENDED, None, register.codes)
        change = Change(register, delta, tokenizer)
        with self._writing():
            number = current_number(self.root)
            if number is None:
                self._check_free()
                return Outcome(None, change, self._write(change, PUBLISH, None))
            first = Generation(self.root, number)
            if not same(first, register, tokenizer):
                raise LgsidError(
                    f"{self.root}: holds generations already, and the current one is another; `lgsid sids append` or"
                    " `lgsid sids refit` makes the next one"
                )
            return Outcome(first, Change(register, Delta(delta.table[:0]), tokenizer, is_new=False), None)

    def update(self, update: Update, dry_run: bool = False) -> Outcome:
        """Make the next generation from the current one, unless it would be the same.

        Args:
            update: What changes.
            dry_run: Write nothing.

        Raises:
            LgsidError: if the update cannot be made, or another process writes here.
        """
        self.current  # noqa: B018 - a root that is none is refused before it is locked
        with self._writing():
            before = self.current
            change = update.apply(before)
            if dry_run or not change.is_new:
                return Outcome(before, change, None)
            return Outcome(before, change, self._write(change, update.command, before.number))

    def append(self, items: Items, embeddings: Embeddings | None = None, tokenizer: Tokenizer | None = None) -> Outcome:
        """Publish new places, see `Append`."""
        return self.update(Append(items, embeddings, tokenizer))

    def retire(self, item_ids: Sequence[str]) -> Outcome:
        """Close places, see `Retire`."""
        return self.update(Retire(item_ids))

    def move(
        self,
        items: Items,
        embeddings: Embeddings | None = None,
        reassign: bool = False,
        tokenizer: Tokenizer | None = None,
    ) -> Outcome:
        """Take new positions and names of places, see `Move`."""
        return self.update(Move(items, embeddings, reassign, tokenizer))

    def refit(
        self, sids: SemanticIDs, checkpoint: str | Path | None = None, relabeler: Relabeler | None = None
    ) -> Outcome:
        """Replace all semantic IDs, see `Refit`."""
        return self.update(Refit(sids, checkpoint, relabeler))

    def rollback(self, to: int | None = None) -> Generation:
        """Make another generation the current one. Those after it stay, and can be read or made current again.

        What a generation that was rolled back had given is free again: the next one knows its own parents only.

        Args:
            to: Its number; that of the parent of the current one if not given.

        Raises:
            LgsidError: if there is no such generation, or the current one has no parent.
        """
        if to is None:
            self.current  # noqa: B018 - see `update`
        else:
            Generation(self.root, to)
        with self._writing():
            number = self.current.manifest.parent if to is None else to
            if number is None:
                raise LgsidError(
                    f"{self.root}: generation {self.current.number} is the first one; nothing to roll back to"
                )
            found = Generation(self.root, number)
            found.verify()
            point_to(self.root, number)
            return found

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the root while this process writes to it, and remove what killed ones left."""
        if self.root.exists() and not self.root.is_dir():
            raise LgsidError(f"{self.root}: is a file; choose another folder")
        is_new = not self.root.exists()
        try:
            with locked(self.root / LOCK_FILE, self.root):
                yield
        finally:
            if is_new:
                with suppress(OSError):  # nothing was written into it
                    self.root.rmdir()

    def _check_free(self) -> None:
        """Refuse a root with files that are not of generations.

        Raises:
            LgsidError: naming one.
        """
        ours = {LOCK_FILE, f"{LOCK_FILE}{NOTE_SUFFIX}"}
        for path in sorted(self.root.iterdir()):
            name = path.name
            if name not in ours and not GENERATION.fullmatch(name) and not name.startswith(f".{CURRENT_FILE}."):
                raise LgsidError(f"{self.root}: is not empty ({name} is there); choose another folder")

    def _write(self, change: Change, command: str, parent: int | None) -> Generation:
        """Write a generation and make it the current one."""
        sweep(self.root)
        number = max(self.numbers, default=0) + 1
        folder = generation_folder(self.root, number)
        try:
            GenerationWriter(folder, number, parent, command).write(change)
            point_to(self.root, number)
        except LgsidError:
            (folder / MANIFEST_FILE).unlink(missing_ok=True)
            sweep(self.root)
            raise
        return Generation(self.root, number)


def same(found: Generation, register: Register, tokenizer: TokenizerFile | None) -> bool:
    """Tell whether a generation publishes just these places."""
    one = found.register
    return (
        one.ids.equals(register.ids)
        and not (moved(one.places, register.places) | renamed(one.places, register.places)).any()
        and one.codebook_sizes == register.codebook_sizes
        and one.codes.shape == register.codes.shape
        and bool((one.codes == register.codes).all())
        and not one.retired.any()
        and found.manifest.tokenizer == tokenizer
    )


def point_to(root: Path, number: int) -> None:
    """Make a generation the current one, atomically."""
    write_text(root / CURRENT_FILE, f"{generation_folder(root, number).name}\n")
