"""The research zone's instance files in an S3-compatible object store."""

from tessera.adapters.s3.bucket import BucketSettings, S3Bucket
from tessera.adapters.s3.instance_store import S3InstanceStore

__all__ = ["BucketSettings", "S3Bucket", "S3InstanceStore"]
