"""`dellm verify`: whether a reply's votes are what the nodes signed, and which model file said what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from schemas.messages import Reply
from services.cli.home import default_data
from services.cli.options import out
from services.receipts.keys import NODES_FILE, KeyFileError, read_key_file
from services.receipts.verify import Finding, check_reply
from services.runtime.server import KEYS
from services.runtime.wire import decode

if TYPE_CHECKING:
    from schemas.receipts import ModelFile

MAX_SHOWN = 60


@click.command()
@click.argument("source", metavar="REPLY.json|-", type=click.Path(path_type=Path))
@click.option(
    "--keys",
    "keys_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=lambda: default_data() / KEYS / NODES_FILE,
    show_default="that of `dellm up`",
    help="The nodes' public keys, as `dellm auth init` writes them; or their folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each vote.")
def verify(source: Path, keys_path: Path, as_json: bool) -> None:
    """Check the votes of a reply (of `dellm ask --json`) against the nodes' keys.  Exit code 1: one does not hold."""
    try:
        content = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
        reply = decode(content, Reply)
    except OSError as error:
        raise click.ClickException(f"{source}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{source} is no reply: {error}") from None
    try:
        keys = read_key_file(keys_path)
    except KeyFileError as error:
        raise click.ClickException(str(error)) from None
    findings = list(check_reply(reply, keys))
    if not findings:
        raise click.ClickException(f"{source}: the reply has no votes")
    for finding in findings:
        if as_json:
            click.echo(msgspec.json.encode(finding))
        else:
            out().print(_line(finding), markup=False, style=None if finding.reason is None else "red")
    if not as_json and reply.synthesis is not None and reply.synthesis.method == "model":
        click.echo(f"{reply.synthesis.model} worded the answer from these, which no node signs", err=True)
    sys.exit(any(finding.reason is not None for finding in findings))


def _line(finding: Finding) -> str:
    """Say of a vote who holds to it, by which file, and what it is."""
    where = f"chunk {finding.chunk + 1}: {finding.node or 'the winner'}"
    said = finding.final if len(finding.final) <= MAX_SHOWN else f"{finding.final[:MAX_SHOWN]}..."
    if finding.reason is not None:
        return f"{where} REFUSED: {finding.reason} ({said!r})"
    files = [file for file in finding.files if file.model == finding.model]
    others = [file for file in finding.files if file.model != finding.model]
    told = "; also asked: ".join(", ".join(map(_file, named)) for named in (files, others) if named)
    by = f"by {finding.engine} from {told}" if finding.engine else "computed again"
    return f"{where} holds: {said!r}{' (won)' if finding.won else ''}, {by}"


def _file(file: ModelFile) -> str:
    sha256 = f"sha256 {file.sha256}" if file.sha256 else "not hashed yet"
    return f"{file.model} ({file.quantization or 'of unknown type'}, {sha256})"
