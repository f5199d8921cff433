"""Lets the ALSA library inside PyAV's wheel find the system's configuration and plugins.

The wheel brings its own libasound, which looks for both in a folder of the machine it was built on: without these two
variables every microphone fails to open. They must be set before the first use of ALSA in the process, because the
library reads its configuration once; `os.environ` writes through to the C library's `getenv`.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from peer.errors import DeviceNotFound

CONFIG = "usr/share/alsa/alsa.conf"
PLUGINS = ("usr/lib/*-linux-gnu*/alsa-lib", "usr/lib64/alsa-lib", "usr/lib/alsa-lib")


def missing_settings(environ: Mapping[str, str], root: Path = Path("/")) -> dict[str, str]:
    """Return the variables that have to be set, for what the user has not set and `root` has."""
    settings = {}
    config = root / CONFIG
    if not environ.get("ALSA_CONFIG_PATH") and not environ.get("ALSA_CONFIG_DIR") and config.exists():
        settings["ALSA_CONFIG_PATH"] = str(config)
    plugins = next((folder for pattern in PLUGINS for folder in sorted(root.glob(pattern))), None)
    if not environ.get("ALSA_PLUGIN_DIR") and plugins is not None:
        settings["ALSA_PLUGIN_DIR"] = str(plugins)
    return settings


def prepare() -> None:
    """Point libasound to the system's files. Raises `DeviceNotFound` if the system has none."""
    os.environ.update(missing_settings(os.environ))
    if not os.environ.get("ALSA_CONFIG_PATH") and not os.environ.get("ALSA_CONFIG_DIR"):
        raise DeviceNotFound(
            f"No microphone can be opened without /{CONFIG}: install the Debian packages libasound2-data and"
            " libasound2-plugins, or set ALSA_CONFIG_PATH."
        )
