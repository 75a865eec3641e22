"""`lgsid fit | validate | test | predict`: one LightningCLI for every module here, and what it leaves on disk."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from importlib.metadata import entry_points
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from jsonargparse import ArgumentError, Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint, ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger

from lgsid import plugins
from lgsid.artefacts.files import atomic_path, parse_json, write_json, write_text
from lgsid.artefacts.names import CHECKPOINT_FILE, LOG_FOLDER, METRICS_FILE, PROVENANCE_FILE
from lgsid.checkpoint_file import read_checkpoint_file
from lgsid.config.yaml_reader import load_yaml, parser_mode
from lgsid.errors import LgsidError
from lgsid.logs.configured_loggers import with_defaults
from lgsid.logs.log_sink import sink_of
from lgsid.logs.logged_results import log_training
from lgsid.module import LgsidDataModule, LgsidModule
from lgsid.pipeline.constructor_errors import LATE_ERRORS, explain_constructor, explain_late_constructor
from lgsid.pipeline.metric_table import metric_line, metric_table, plain_metrics
from lgsid.pipeline.parser_errors import explain
from lgsid.pipeline.portable_paths import PortablePaths
from lgsid.pipeline.process_team import ProcessTeam, is_one_of_several, started_number, team_size
from lgsid.pipeline.progress import progress_callbacks
from lgsid.pipeline.provenance import Meter, provenance
from lgsid.pipeline.run_folder import working_in
from lgsid.pipeline.start_of_run import StartOfRun
from lgsid.pipeline.training_words import found_configs
from lgsid.processes import is_first
from lgsid.system_errors import FULL, NotWritten, reason
from lgsid.terminal import console
from lgsid.trust import TRUST_FLAG, TRUST_HELP, limit_imports

CKPT_WORDS = ("best", "last", "hpc")
STATE_DICT_ERROR = "Error(s) in loading state_dict"
HPARAMS_FILE = "hparams.yaml"  # of Lightning's CSVLogger
EPILOG = f"{TRUST_FLAG}: {TRUST_HELP}"  # no argument of the parser, since a config could give those
SUBCOMMANDS = ("fit", "validate", "test", "predict")

logger = logging.getLogger(__name__)


class TrainingCLI(LightningCLI):
    """LightningCLI over all modules and datamodules, with a run folder that holds everything a run made.

    A trainer that asks for several processes on this machine is given a `ProcessTeam`, each member of which runs
    `words`; this process then makes nothing and waits.

    Fitting leaves `fit_config.yaml`, `model.ckpt` (the best weights if a ModelCheckpoint tracks a metric, else the
    last), `metrics.json`, and what the module exports. Testing adds its metrics and `test_config.yaml`.
    """

    meter: Meter
    run_folder: Path
    config_dump: dict[str, Any]
    start: StartOfRun
    team: ProcessTeam | None = None  # if others do the work
    shows_metrics = has_own_logger = False

    def __init__(
        self, arguments: Sequence[str], record: bool = True, held: ExitStack | None = None, words: Sequence[str] = ()
    ) -> None:
        self.meter = Meter()
        self.record, self.held, self.words = record, held, words
        strict = {"exit_on_error": False, "allow_abbrev": False, "parser_mode": parser_mode()}
        super().__init__(
            model_class=LgsidModule,
            datamodule_class=LgsidDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_callback=None,
            auto_configure_optimizers=False,
            seed_everything_default=2026,
            parser_kwargs={**strict, **{name: {**strict, "epilog": EPILOG} for name in SUBCOMMANDS}},
            args=list(arguments),
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Leave out `weights_only`: a checkpoint is never read as anything else."""
        return {name: {*skipped, "weights_only"} for name, skipped in LightningCLI.subcommands().items()}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add `--run-folder`."""
        parser.add_argument(
            "--run-folder",
            type=str | None,
            default=None,
            help="Folder for the config, checkpoint, metrics and artefacts; runs/<class>-<time> by default.",
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse `args`, whatever the process was started with."""
        self.config = parser.parse_args(args)

    def _parse_ckpt_path(self) -> None:
        """Keep the config and the flags as given: a checkpoint's hyper-parameters must not win over them."""

    def _set_seed(self) -> None:
        """Seed every random number generator.

        Raises:
            LgsidError: if the seed is out of range.
        """
        try:
            super()._set_seed()
        except ValueError as error:
            raise LgsidError(f"seed_everything: {error}") from error

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        """Read checkpoints as weights only; leave out Lightning's table of metrics: `finish` shows the main ones."""
        arguments = dict(super()._prepare_subcommand_kwargs(subcommand))
        arguments["weights_only"] = True
        if "verbose" in arguments:
            self.shows_metrics, arguments["verbose"] = bool(arguments["verbose"]), False
        return arguments

    def before_instantiate_classes(self) -> None:
        """Settle the run folder and save the config as given."""
        config = self.config[self.subcommand]
        path = config.get("ckpt_path")
        if path is not None and path not in CKPT_WORDS:
            read_checkpoint_file(path)  # before the trainer does: nothing in it is run, and damage is noticed
        if not isinstance(config.trainer, Namespace):
            raise LgsidError(f"trainer: expected `key: value` lines, found {config.trainer!r}")
        kind = str(config.model.class_path).rpartition(".")[2]
        stamp = datetime.now(tz=timezone.utc).strftime("%Y%m%d-%H%M%S")
        if config.run_folder is None and is_one_of_several():
            raise LgsidError("--run-folder is missing: processes that were started together need one folder")
        self.run_folder = Path(config.run_folder or f"runs/{kind}-{stamp}")
        size = team_size(config.trainer)
        if size > 1:
            self.team = ProcessTeam([*self.words, f"--run-folder={self.run_folder}"], size, self.record)
        config.run_folder = None
        dumped = self._parser(self.subcommand).dump(config, skip_unset=False)
        self.config_dump = load_yaml(dumped)
        if self.run_folder.exists() and not self.run_folder.is_dir():
            raise LgsidError(f"{self.run_folder}: is a file; choose another --run-folder")
        if self.held is not None and not started_number():
            self.held.enter_context(working_in(self.run_folder))

        def begin() -> None:
            if not is_first():
                return
            needed = ", ".join(plugins.packages_named_in(dumped))
            header = f"# Needs {needed}.\n" if needed else ""
            write_text(self.run_folder / f"{self.subcommand}_config.yaml", header + dumped)

        self.start = StartOfRun(str(self.subcommand), bool(path), begin)
        bars = progress_callbacks() if config.trainer.enable_progress_bar is not False else []
        self.trainer_defaults["callbacks"] = [self.start, PortablePaths(self.run_folder), *bars]
        listed = config.trainer.logger if isinstance(config.trainer.logger, list) else [config.trainer.logger]
        own = [entry.init_args for entry in listed if hasattr(entry, "init_args")]
        for options in own:
            with_defaults(options, self.run_folder / LOG_FOLDER, self.run_folder.name.removesuffix(".partial"))
        self.has_own_logger = bool(own)

    def instantiate_classes(self) -> None:
        """Make the classes that the config names.

        Raises:
            LgsidError: if one of them does not accept its arguments.
        """
        if self.team is not None:
            return
        try:
            super().instantiate_classes()
        except MisconfigurationException:
            raise
        except Exception as error:
            line = explain_constructor(error, self.config_dump)
            if line is None:
                raise
            raise LgsidError(line) from error

    def _run_subcommand(self, subcommand: str) -> None:
        """Run the subcommand.

        Raises:
            LgsidError: if layers, an optimizer or a loader do not accept the values of the config.
            NotWritten: if the disk is full, or the run folder cannot be written to.
            KeyboardInterrupt: if the user interrupts, where Lightning would exit with code 1.
        """
        if self.team is not None:
            self.team.run()
            return
        handler = signal.getsignal(signal.SIGINT)
        try:
            super()._run_subcommand(subcommand)
        except SystemExit as stop:
            if not isinstance(stop.__context__, KeyboardInterrupt):
                raise
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt(self.kept()) from None
        except OSError as error:
            if error.errno not in FULL and (error.filename is not None or not error.errno):
                raise
            raise NotWritten(f"{self.run_folder}: cannot be written ({reason(error)}); {self.kept()}") from error
        except LATE_ERRORS as error:
            line = explain_late_constructor(error, self.config_dump)
            if line is None:
                raise
            raise LgsidError(line) from error
        finally:
            if not self.start.begun and not started_number():
                self.drop_empty_log()

    def drop_empty_log(self) -> None:
        """Remove what the logger has written of a run that did not begin, and the folders if nothing else is there."""
        folder = self.run_folder / LOG_FOLDER / str(self.subcommand)
        with contextlib.suppress(OSError):
            (folder / HPARAMS_FILE).unlink(missing_ok=True)
            for empty in (folder, folder.parent, self.run_folder):
                empty.rmdir()

    def kept(self) -> str:
        """Say what is left of a run that the user interrupted."""
        best = self.best_checkpoint() if self.subcommand == "fit" else None
        if best is not None:
            return f"the best weights so far are kept in {best}"
        return f"nothing was written of this {self.subcommand}; start it again"

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Make the trainer; what the config leaves open is chosen here."""
        given = self._get(self.config_init, "trainer")
        own = given["callbacks"] if isinstance(given["callbacks"], list) else [given["callbacks"]]
        has_bar = any(isinstance(callback, ProgressBar) for callback in (*self.trainer_defaults["callbacks"], *own))
        chosen: dict[str, Any] = {"default_root_dir": str(self.run_folder), "enable_progress_bar": has_bar}
        if given["logger"] is None or given["logger"] is True:
            chosen["logger"] = CSVLogger(str(self.run_folder), name=LOG_FOLDER, version=str(self.subcommand))
        if given["enable_checkpointing"] is None:
            callbacks = given["callbacks"] or []
            callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
            chosen["enable_checkpointing"] = any(isinstance(callback, Checkpoint) for callback in callbacks)
        if given["enable_model_summary"] is None:
            chosen["enable_model_summary"] = False
        if given["deterministic"] is None:
            chosen["deterministic"] = "warn"  # on several threads of a processor, too, indexing adds up in one order
        try:
            return super().instantiate_trainer(**chosen, **kwargs)
        except (ValueError, ImportError) as error:  # ImportError: an accelerator or logger whose package is missing
            raise LgsidError(f"trainer: {' '.join(str(error).split())}") from error

    def after_fit(self) -> None:
        """Take the best weights, and write the checkpoint, the metrics and the artefacts."""
        if self.trainer.interrupted:
            raise KeyboardInterrupt(self.kept())
        metrics = plain_metrics(self.trainer.callback_metrics)
        best = self.best_checkpoint()
        if best is not None:
            state = read_checkpoint_file(best)["state_dict"]
            self.model.load_state_dict(state, strict=False)
            self.trainer.validate(self.model, datamodule=self.datamodule, verbose=False)
            metrics |= plain_metrics(self.trainer.callback_metrics)
        if isinstance(self.model, LgsidModule):
            self.model.check_weights()
        path = self.run_folder / CHECKPOINT_FILE
        with atomic_path(path) if is_first() else contextlib.nullcontext(path) as target:
            self.trainer.save_checkpoint(target)
        if self.record and is_first() and isinstance(self.model, LgsidModule) and self.model.carries:
            logger.info("%s: carries %s", path, self.model.carries)
        self.finish(metrics)

    def after_validate(self) -> None:
        """Write the metrics."""
        self.finish(plain_metrics(self.trainer.callback_metrics))

    def after_test(self) -> None:
        """Write the metrics and what the test left."""
        self.finish(plain_metrics(self.trainer.callback_metrics))

    def after_predict(self) -> None:
        """Write the predictions."""
        loops = self.trainer.predict_loop.predictions or []
        batches = [batch for part in loops for batch in (part if isinstance(part, list) else [part])]
        whole = self.model.all_predictions(batches)
        if is_first():
            path = self.model.export_predictions(self.run_folder, whole)
            logger.info("%s: predictions written", path)

    def best_checkpoint(self) -> Path | None:
        """Return the best checkpoint if one is tracked and it is not simply the state at the end."""
        callback = self.trainer.checkpoint_callback
        if not isinstance(callback, ModelCheckpoint) or callback.monitor is None or not callback.best_model_path:
            return None
        return Path(callback.best_model_path)

    def finish(self, metrics: Mapping[str, float | None]) -> None:
        """Export the module, merge the metrics with those of earlier steps, and record the provenance."""
        if isinstance(self.model, LgsidModule):
            self.model.prepare_export()
        if not is_first():
            return
        if isinstance(self.model, LgsidModule):
            self.model.export(self.run_folder)
        path = self.run_folder / METRICS_FILE
        write_json(path, {**(parse_json(path) if path.is_file() else {}), **metrics})
        if self.has_own_logger:
            dataset = dict(self.config_dump.get("data") or {}).get("init_args", {}).get("dataset")
            log_training(self.trainer.loggers, self.run_folder, dataset, self.subcommand == "fit")
        for log in self.trainer.loggers:
            log.finalize("success")
            sink_of(log).close()
        if self.record:
            dataset = getattr(self.datamodule, "dataset", None)
            found = provenance(
                self.meter, self.config_dump, self.config_dump.get("seed_everything"), getattr(dataset, "data_hash", "")
            )
            write_json(self.run_folder / PROVENANCE_FILE, found)
            self.show(metrics)

    def show(self, metrics: Mapping[str, float | None]) -> None:
        """Show the main metrics: a table after a test, a line after a training."""
        done = f"{self.run_folder}: done in {self.meter.seconds:.0f} s"
        if self.shows_metrics and metrics:
            console().print(metric_table(metrics, str(self.run_folder / METRICS_FILE)))
        callback = self.trainer.checkpoint_callback
        monitored = callback.monitor if isinstance(callback, ModelCheckpoint) else None
        line = metric_line(metrics, monitored) if self.subcommand == "fit" else ""
        logger.info("%s", f"{done}; {line}" if line else done)


def check_entry_points() -> None:
    """Refuse to train where a package breaks the reading of entry points, which the trainer cannot do without.

    Raises:
        LgsidError: naming the package.
    """
    try:
        entry_points()
    except Exception as error:
        named = ", ".join(plugins.unreadable()) or "a package"
        raise LgsidError(
            f"the trainer reads the entry points of all packages, and those of {named} cannot be read "
            f"({type(error).__name__}: {error}); repair or remove it"
        ) from error


def train(arguments: Sequence[str], record: bool = True, hold: bool = True) -> TrainingCLI:
    """Run `fit`, `validate`, `test` or `predict` with command-line arguments.

    Args:
        arguments: As on the command line, the subcommand first. `--config` may name a config that lgsid carries.
        record: Write `provenance.json`, and hold the run folder; a pipeline does so itself.
        hold: Hold the run folder; whoever starts several processes does so itself.

    Raises:
        LgsidError: if an argument is wrong.
    """
    check_entry_points()
    plugins.load()
    silence()
    limit_imports()
    try:
        with ExitStack() as held:
            return TrainingCLI(found_configs(arguments), record, held if record and hold else None, arguments)
    except ArgumentError as error:
        raise LgsidError(explain(str(error))) from error
    except MisconfigurationException as error:
        raise LgsidError(" ".join(str(error).split())) from error
    except UnpicklingError as error:
        raise LgsidError("ckpt_path: the file is not a checkpoint that `lgsid fit` wrote") from error
    except RuntimeError as error:
        if not str(error).startswith(STATE_DICT_ERROR):
            raise
        raise LgsidError(f"ckpt_path: the checkpoint is of another model: {first_lines(str(error))}") from error


def first_lines(text: str) -> str:
    """Return the beginning of a long message as one line."""
    line = " ".join(text.split())
    return line if len(line) <= 240 else f"{line[:240]} ..."


def silence() -> None:
    """Silence what Lightning says to programmers, on which a user cannot act."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("lightning")]:
        logging.getLogger(name).setLevel(logging.ERROR)
