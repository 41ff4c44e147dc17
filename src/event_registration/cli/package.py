"""``event-registration package``."""

from __future__ import annotations

from pathlib import Path

import click

from event_registration.cli.options import templates_option
from event_registration.deployment.package import ARCHITECTURES, BUDGET, PYTHONS, build_package
from event_registration.errors import DeploymentError, InvalidTemplatesError

__all__ = ["package"]


@click.command()
@click.option(
    "--arch", type=click.Choice(ARCHITECTURES), default="arm64", show_default=True, help="The function's processor."
)
@click.option("--python", type=click.Choice(PYTHONS), default="3.13", show_default=True, help="The function's Python.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The zip.  [default: event-registration-VERSION-ARCH-pythonPYTHON.zip]",
)
@click.option(
    "--plain", is_flag=True, help="Leave out what botocore needs of its data: the function reads its runtime's, slowly."
)
@templates_option
def package(*, arch: str, python: str, output: Path | None, plain: bool, templates: Path | None) -> None:
    """
    Build the Lambda function's zip; its handler is lambda_function.handler.

    The dependencies are fetched with pip, in the versions that are installed here. The same versions give the same
    bytes.
    """
    from importlib.metadata import version

    from rich.console import Console
    from rich.table import Table

    if output is None:
        output = Path(f"event-registration-{version('event-registration')}-{arch}-python{python}.zip")
    try:
        built = build_package(output, arch=arch, python=python, templates=templates, is_tuned=not plain)
    except (DeploymentError, InvalidTemplatesError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{error.strerror or error}. {output}: choose another file with --output."
        ) from error

    table = Table(box=None, show_footer=True)
    table.add_column("part", footer="total")
    table.add_column("KiB", footer=_kib(built.size), justify="right")
    for name, size in built.parts.items():
        table.add_row(name, _kib(size))
    Console().print(table)
    click.echo(f"\nThe budget is {_kib(BUDGET)} KiB. For Python {python} on {arch}, SHA-256:")
    click.echo(built.sha256)
    click.echo(built.path)
    if not built.precompiled:
        click.echo(
            f"Without bytecode, because there is no python{python} here: the first answers will be slower. "
            f"Install Python {python} and build again.",
            err=True,
        )


def _kib(size: int) -> str:
    return f"{size / 1024:,.0f}"
