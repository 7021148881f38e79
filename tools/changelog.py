#!/usr/bin/env python3
"""Fold changelog/unreleased/*.md into CHANGELOG.md under a new heading: tools/changelog.py VERSION DATE.
Without arguments: check that every note has the form (runs as a test)."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
notes = sorted((root / "changelog" / "unreleased").glob("*.md"))
kinds = ("Added", "Changed", "Fixed", "Removed", "Security")
found, errors = [], []
for note in notes:
    first, _, rest = note.read_text().partition("\n")
    match = re.fullmatch(r"(\w+): (.+[^.])", first)
    if not match or match[1] not in kinds or not rest.strip():
        errors.append(f"{note.name}: first line '<{'|'.join(kinds)}>: what happens now', then why")
    else:
        found.append((kinds.index(match[1]), match[1], match[2], rest.strip()))
if errors or len(sys.argv) != 3:
    print("\n".join(errors) or f"{len(found)} notes are well formed")
    sys.exit(bool(errors))
version, date = sys.argv[1:]
text = f"## {version} ({date})\n\n" + "".join(
    f"* **{kind}**: {what}\n  {why.replace(chr(10), chr(10) + '  ')}\n" for _, kind, what, why in sorted(found))
log = root / "CHANGELOG.md"
head, _, older = log.read_text().partition("\n## ")
log.write_text(head.rstrip() + "\n\n" + text + ("\n## " + older if older else ""))
for note in notes:
    note.unlink()
