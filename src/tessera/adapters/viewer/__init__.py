"""The viewer's package: as its makers publish it, checked and unpacked once."""
