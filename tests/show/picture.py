"""A picture of a terminal's screen: reads text with colours, writes SVG. Arguments: title, columns."""

import io
import re
import sys

from rich.console import Console
from rich.text import Text

title, columns = sys.argv[1], int(sys.argv[2])
screen = sys.stdin.read().rstrip("\n ")
console = Console(
    record=True,
    width=columns,
    file=io.StringIO(),
    force_terminal=True,
    color_system="truecolor",
    legacy_windows=False,
)
console.print(Text.from_ansi(screen), soft_wrap=False)
svg = console.export_svg(title=title, unique_id="terminal")
# A picture in a README loads no fonts from elsewhere, and not every viewer keeps blanks unasked.
svg = re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL)
sys.stdout.write(svg.replace("<text class", '<text xml:space="preserve" class'))
