"""A receiver of DICOM instances: sockets, files and threads around `tessera.wire.dimse`."""
