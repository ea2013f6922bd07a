"""The command line: one verb a question, `--json` everywhere, exit code 2 on bad input."""

from __future__ import annotations

import os
import sys

import typer

from osteon.cli import catalogue, data, evidence, export, judge, machine, review_ranking, work

STOPPED = 130  # the exit code of Ctrl-C, which typer turns into SystemExit

app = typer.Typer(name="osteon", help="An open workbench for orthopaedic AI.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  rich_markup_mode=None)
for verb in (catalogue.list_, catalogue.show, data.simulate, data.import_, data.check, work.run, work.predict, work.validate, work.report,
             evidence.pool, evidence.solve, judge.explain, judge.readings, judge.agree, judge.size, export.export, export.protocol, machine.doctor):
    app.command(verb.__name__.strip("_"))(verb)
app.add_typer(review_ranking.app)


def main(args: list[str] | None = None) -> None:
    """Run a verb (from `args`, or the command line); a mistake of the user ends in one sentence and exit code 2, never in a traceback."""
    from osteon.errors import OsteonError

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning starve each other where the machine is shared
    try:
        app(args=args)
    except OsteonError as error:
        typer.echo(f"osteon: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        typer.echo(f"osteon: {error.filename or 'file'}: {error.strerror or error}", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != STOPPED:
            raise
        typer.echo("osteon: stopped. Give the same command again to go on.", err=True)
        sys.exit(STOPPED)
