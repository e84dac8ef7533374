"""Object storage by boto3: multipart uploads whose every part is compared by its MD5, on any server that speaks S3."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from recorder.options import S3Options
from recorder.storage.store import Failure, ObjectInfo, StoredPart, StoreError

REFUSED_CODES = {
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "Forbidden",
    "InvalidAccessKeyId",
    "InvalidBucketName",
    "NoSuchBucket",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
    "301",
    "403",
}
LOST_CODES = {"NoSuchUpload", "NoSuchKey", "404"}
CORRUPT_CODES = {
    "BadDigest",
    "InvalidDigest",
    "InvalidPart",
    "XAmzContentSHA256Mismatch",
    "XAmzContentChecksumMismatch",
}
FULL_CODES = {"QuotaExceeded", "EntityTooLarge", "507"}


def connect(options: S3Options, *, connect_timeout_s: float = 5.0, read_timeout_s: float = 30.0) -> Any:
    """A client; connects to nothing yet. It is safe to use in threads."""
    import boto3
    from botocore.config import Config

    secret = options.secret_access_key
    return boto3.client(
        "s3",
        endpoint_url=options.endpoint_url,
        region_name=options.region or ("us-east-1" if options.endpoint_url else None),
        aws_access_key_id=options.access_key_id,
        aws_secret_access_key=None if secret is None else secret.get_secret_value(),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if options.path_style else "auto"},
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            # We retry by ourselves, since we know how long we can.
            retries={"total_max_attempts": 1, "mode": "standard"},
            # The newer checksums are unknown to many servers; Content-MD5 is known to all, and we send it.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


class S3Store:
    """A bucket, keys below ``options.prefix``."""

    def __init__(self, options: S3Options, client: Any = None) -> None:
        self._options = options
        self._client = client or connect(options)
        self._bucket = options.bucket

    def _key(self, key: str) -> str:
        return self._options.prefix + key

    def _creation(self, info: ObjectInfo) -> dict[str, Any]:
        arguments: dict[str, Any] = {"ContentType": info.content_type, "Metadata": info.metadata}
        if self._options.sse != "none":
            arguments["ServerSideEncryption"] = self._options.sse
            if self._options.sse_kms_key_id is not None:
                arguments["SSEKMSKeyId"] = self._options.sse_kms_key_id
        return arguments

    def begin(self, key: str, info: ObjectInfo, part_size: int) -> str:
        with _told():
            answer = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._key(key), **self._creation(info)
            )
        return str(answer["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, data: bytes, part_size: int) -> StoredPart:
        digest = hashlib.md5(data, usedforsecurity=False)
        with _told():
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key(key),
                UploadId=upload_id,
                PartNumber=number,
                Body=data,
                ContentMD5=b64encode(digest.digest()).decode(),
            )
        tag = str(answer["ETag"])
        self._compare(tag, digest.hexdigest())
        return StoredPart(number, len(data), tag)

    def _compare(self, tag: str, expected: str) -> None:
        """An ETag is the MD5, unless the storage encrypts with a key of its own (then Content-MD5 was compared)."""
        if self._options.sse != "aws:kms" and tag.strip('"') != expected:
            raise StoreError(Failure.CORRUPT, "the storage holds something else than was sent")

    def complete(self, key: str, upload_id: str, parts: list[StoredPart]) -> None:
        size = sum(part.size for part in parts)
        listed = [{"PartNumber": p.number, "ETag": p.tag} for p in sorted(parts, key=lambda p: p.number)]
        try:
            with _told():
                self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=self._key(key), UploadId=upload_id, MultipartUpload={"Parts": listed}
                )
        except StoreError as error:
            # An answer that was lost on the way shows as an upload that is gone.
            if error.failure is not Failure.LOST or self.size(key) != size:
                raise
        if self.size(key) != size:
            raise StoreError(Failure.CORRUPT, "the object has not the size of its parts")

    def abort(self, key: str, upload_id: str) -> None:
        try:
            with _told():
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key(key), UploadId=upload_id)
        except StoreError as error:
            if error.failure is not Failure.LOST:
                raise

    def put(self, key: str, data: bytes, info: ObjectInfo) -> None:
        digest = hashlib.md5(data, usedforsecurity=False)
        with _told():
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(key),
                Body=data,
                ContentMD5=b64encode(digest.digest()).decode(),
                **self._creation(info),
            )
        self._compare(str(answer["ETag"]), digest.hexdigest())

    def read(self, key: str, start: int, length: int) -> bytes:
        with _told():
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._key(key), Range=f"bytes={start}-{start + length - 1}"
            )
            return bytes(answer["Body"].read())

    def size(self, key: str) -> int | None:
        try:
            with _told():
                return int(self._client.head_object(Bucket=self._bucket, Key=self._key(key))["ContentLength"])
        except StoreError as error:
            if error.failure is Failure.LOST:
                return None
            raise

    def delete(self, key: str) -> None:
        with _told():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def check(self) -> None:
        try:
            with _told():
                self._client.head_bucket(Bucket=self._bucket)
        except StoreError as error:
            if error.failure is Failure.LOST:
                raise StoreError(Failure.REFUSED, "the storage has no such bucket") from None
            raise

    def url(self, key: str, lifetime_s: int, download_name: str | None) -> str | None:
        arguments = {"Bucket": self._bucket, "Key": self._key(key)}
        if download_name is not None:
            arguments["ResponseContentDisposition"] = f'attachment; filename="{download_name}"'
        return str(self._client.generate_presigned_url("get_object", Params=arguments, ExpiresIn=lifetime_s))


@contextmanager
def _told() -> Iterator[None]:
    """Turn boto3's errors into ours; their text may hold keys, so only the code is kept."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise StoreError(_failure_of(code), f"the storage answers {code or 'an error'}") from None
    except NoCredentialsError:
        raise StoreError(Failure.REFUSED, "there are no credentials for the storage") from None
    except (BotoCoreError, OSError) as error:
        raise StoreError(Failure.UNREACHABLE, f"the storage cannot be reached ({type(error).__name__})") from None


def _failure_of(code: str) -> Failure:
    for codes, failure in (
        (REFUSED_CODES, Failure.REFUSED),
        (LOST_CODES, Failure.LOST),
        (CORRUPT_CODES, Failure.CORRUPT),
        (FULL_CODES, Failure.FULL),
    ):
        if code in codes:
            return failure
    return Failure.UNREACHABLE
