"""The files that are no Python: inside the package once installed, beside ``src/`` in a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["site_folder", "template_file"]

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


def site_folder() -> Path:
    """Return the folder of the registration form."""
    installed = _PACKAGE / "web"
    return installed if installed.is_dir() else _CHECKOUT / "web"


def template_file() -> Path:
    """Return the CloudFormation template."""
    installed = _PACKAGE / "deployment" / "cloudformation.yaml"
    return installed if installed.is_file() else _CHECKOUT / "deploy" / "cloudformation.yaml"
