"""The room of every page for people: escaped markup, sections, tables, pictures inside the page."""
