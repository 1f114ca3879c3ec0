"""HPKE keeps to the specification of Sealing."""

from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.ports.sealing import Sealing
from tessera.testing.sealing import SealingContract


class TestHpke(SealingContract):
    def make(self) -> Sealing:
        return HpkeSealing()
