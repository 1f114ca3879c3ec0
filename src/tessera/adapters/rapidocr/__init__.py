"""The port for reading text, on RapidOCR: models inside its package, no network."""
