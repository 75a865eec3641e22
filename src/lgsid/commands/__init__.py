"""The commands of lgsid: one typed function each, from which flags, help and what a stage accepts are derived.

These modules import nothing heavy at their top. To add a command, write such a function and name it in an entry point
of the group `lgsid.commands`.
"""
