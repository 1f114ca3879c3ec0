"""Reports for people: a quality report as one HTML file, in English or Swedish."""

from tessera.adapters.report.quality import render_html

__all__ = ["render_html"]
