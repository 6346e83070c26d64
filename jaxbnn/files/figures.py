"""Figures as files."""

from pathlib import Path
from typing import Any

from jaxbnn.files.atomic import replacing

DPI = 150


def save_figure(folder: Path, name: str, figure: Any) -> list[Path]:
    """Writes <name>.png and <name>.pdf of a matplotlib Figure, each atomically; returns their
    paths."""
    paths = [folder / f"{name}.{kind}" for kind in ("png", "pdf")]
    for path in paths:
        with replacing(path) as beside:
            figure.savefig(beside, dpi=DPI, format=path.suffix[1:])
    return paths
