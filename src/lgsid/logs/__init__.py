"""Figures, tables, quality cards and checkpoints go to the logger that a config names."""

from lgsid.logs.configured_loggers import configured_loggers
from lgsid.logs.csv_sink import CSVSink
from lgsid.logs.log_sink import LogSink, NoSink, sink_of
from lgsid.logs.logged_results import LoggedResults
from lgsid.logs.tensorboard_sink import TensorBoardSink
from lgsid.logs.wandb_sink import WandbSink

__all__ = [
    "CSVSink",
    "LogSink",
    "LoggedResults",
    "NoSink",
    "TensorBoardSink",
    "WandbSink",
    "configured_loggers",
    "sink_of",
]
