"""Copies of live streams in the object storage of the recordings."""

from __future__ import annotations

from recorder.options import S3Options
from recorder.storage.s3 import connect
from streaming.hls.mirror import Put
from streaming.options import LiveOptions


def bucket_writer(live: LiveOptions, storage: S3Options) -> Put | None:
    """What writes objects into ``live.s3_bucket``; None: nothing is copied. It raises OSError and tells no secrets."""
    if not live.s3_bucket:
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    client = connect(storage)

    def put(key: str, data: bytes, content_type: str, cache_control: str) -> None:
        try:
            client.put_object(
                Bucket=live.s3_bucket,
                Key=live.s3_prefix + key,
                Body=data,
                ContentType=content_type,
                CacheControl=cache_control,
            )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise OSError(f"the storage answers {code}") from None
        except BotoCoreError as error:
            raise OSError(f"the storage cannot be reached ({type(error).__name__})") from None

    return put
