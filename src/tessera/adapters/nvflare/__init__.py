"""Federated training on NVIDIA FLARE: its server at the hub, its client at a node.

The library is imported only in processes of its own (`*_main`, `provisioning`), never in the
hub or the node. How the parts fit together: docs/explanation/federated-training.md.
"""
