"""Where a bundle lies, whatever folder a command is given from."""

import sys
from pathlib import Path


def bundle_root(name: str) -> str:
    """Folder of a bundle: ``bundles/NAME`` from the checkout's root, ``.`` from its own, elsewhere its absolute path.

    MONAI's `run` puts the folder of its first config's bundle on the import path, but tells the config nothing of it.

    Args:
        name: Of the bundle's folder in the checkout; an exported one may be called otherwise.
    """
    here = Path("bundles", name)
    if here.is_dir():
        return str(here)
    checkout = Path(__file__).resolve().parents[1]  # a link to `common` in each bundle leads here
    if (bundle := checkout / here).is_dir():
        return "." if bundle.samefile(Path.cwd()) else str(bundle)
    exported = (folder for folder in (".", *sys.path) if Path(folder, "configs", "metadata.json").is_file())
    return next(exported, ".")
