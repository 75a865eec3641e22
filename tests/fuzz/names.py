"""Names that would lead out of a folder, hide, or name no file at all on some system."""

HOSTILE_NAMES = (
    "../../../escaped",
    "..",
    ".",
    "",
    " ",
    "/tmp/escaped",
    "~/escaped",
    "~",
    "a/b",
    "a\\..\\escaped",
    "C:escaped",
    "C:\\escaped",
    ".hidden",
    "-rf",
    "--config=x",
    "nul\0byte",
    "two\nlines",
    "bell\a",
    "\x1b[31mred",
    "tab\tname",
    "carriage\rreturn",
    "CON",
    "nul.txt",
    "LPT1",
    "trailing.",
    "trailing ",
    " leading",
    "x" * 300,
    "\u00e9" * 150,
    "\u2024\u2024",
    "\uff0e\uff0e",
    "a\u2215escaped",
    "a\uff0fescaped",
    "a\u29f8escaped",
    "a\u2044escaped",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "$HOME",
    "$(touch escaped)",
    "`touch escaped`",
    "a;touch escaped",
    "a|b",
    "a*b",
    "a?b",
    'a"b',
    "a<b>",
    "\ud800",
)
"""At least twenty; every one must be refused in one line wherever a name becomes that of a file or folder."""

NAMES_THAT_ARE_NONE = (None, True, 3, 1.5, [], ["a"], {}, {"a": "b"})
"""What YAML may hold in the place of a name."""

HOSTILE_PATHS = ("../../escaped", "a/../../escaped", "/etc/passwd", "~/x", "..", "a\\..\\..\\b", "C:\\x", "nul\0byte")
"""Paths inside the folder of a stage, as in `$data/PATH`."""

GOOD_NAMES = (
    "demo",
    "demo-2",
    "my run (new)",
    "Café",
    "Straße_3",
    "東京",
    "नमस्ते",
    "v1.2+x",
    "console",
    "a.b",
    "x" * 200,
)
