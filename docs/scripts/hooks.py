"""MkDocs calls this: the pages of the reference that are made from the code, at each build."""

import commands_page
import errors_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {"reference/commands.md": commands_page.page, "reference/errors.md": errors_page.page}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages to those that stand in `docs/`."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files
