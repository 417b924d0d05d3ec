"""Real exports, uploaded to an S3 server and loaded from there: as they lie in a bucket of AWS."""
import os

import pytest

import items
from rough_proxy import RoughProxy
from s3_server import environment_keys
from tool import environment

FULL = "exports/full-all-types"
FULL_ID = "01715685260608-c488b4e1"
CHAIN = "exports/full-then-incremental"
CHAIN_FULL_ID = "01768385930622-efd1a093"


def move(tool, source, endpoint, target, keys, code=0, **variables):
    env = environment(**{**environment_keys(), **variables})
    done = tool.run("plan", source, target, "-o", tool.plan_path, "--key", ",".join(keys), "--s3-endpoint", endpoint,
                    env=env, code=code)
    if code == 0:
        done = tool.run("run", tool.plan_path, "--until", "verified", env=env)
    return done


def expected_of(data, export, export_id, keys):
    return items.Contents(keys).add_all(items.export_items(os.path.join(data, export, "AWSDynamoDB", export_id)))


# With a prefix, the keys in the manifest are not where the files are: the export was copied.
@pytest.mark.parametrize("prefix", ["", "backups/2024 é+=&/"])
def test_a_full_export(tool, target, data, s3, prefix):
    bucket = s3.bucket()
    s3.upload(os.path.join(data, FULL), bucket, prefix)
    move(tool, f"s3://{bucket}/{prefix}AWSDynamoDB/{FULL_ID}", s3.url, target, ["id"])
    items.assert_same(expected_of(data, FULL, FULL_ID, ["id"]), tool.dump(["id"]))


def test_the_summary_file_names_the_export_too(tool, tmp_path, data, s3):
    bucket = s3.bucket()
    s3.upload(os.path.join(data, CHAIN), bucket)
    move(tool, f"s3://{bucket}/AWSDynamoDB/{CHAIN_FULL_ID}/manifest-summary.json", s3.url,
         f"sqlite:{tmp_path}/t.sqlite", ["pk", "sk"])
    items.assert_same(expected_of(data, CHAIN, CHAIN_FULL_ID, ["pk", "sk"]), tool.dump(["pk", "sk"]))


def test_cut_connections_and_faults_are_survived(tool, tmp_path, data, s3):
    bucket = s3.bucket()
    s3.upload(os.path.join(data, FULL), bucket)
    proxy = RoughProxy(s3.url, lambda number, _: {0: "fault", 1: "cut"}.get(number % 3))
    try:
        move(tool, f"s3://{bucket}/AWSDynamoDB/{FULL_ID}", proxy.url, f"sqlite:{tmp_path}/t.sqlite", ["id"])
    finally:
        proxy.stop()
    assert proxy.troubles["fault"] >= 1 and proxy.troubles["cut"] >= 1
    items.assert_same(expected_of(data, FULL, FULL_ID, ["id"]), tool.dump(["id"]))


def test_C6_a_missing_data_file_stops_the_run(tool, tmp_path, data, s3):
    bucket = s3.bucket()
    keys = s3.upload(os.path.join(data, FULL), bucket)
    (lost,) = [key for key in keys if key.endswith(".json.gz")]
    s3.client.delete_object(Bucket=bucket, Key=lost)
    done = move(tool, f"s3://{bucket}/AWSDynamoDB/{FULL_ID}", s3.url, f"sqlite:{tmp_path}/t.sqlite", ["id"], code=3)
    assert os.path.basename(lost) in done.err


def test_no_such_bucket_and_no_such_export(tool, tmp_path, data, s3):
    bucket = s3.bucket()
    done = move(tool, f"s3://no-such-bucket/AWSDynamoDB/{FULL_ID}", s3.url, f"sqlite:{tmp_path}/t.sqlite", ["id"], code=2)
    assert "no-such-bucket" in done.err
    done = move(tool, f"s3://{bucket}/AWSDynamoDB/{FULL_ID}", s3.url, f"sqlite:{tmp_path}/t.sqlite", ["id"], code=None)
    assert done.code in (2, 3) and bucket in done.err


def test_C12_without_credentials_the_error_lists_what_was_tried(tool, tmp_path, data, s3):
    bucket = s3.bucket()
    s3.upload(os.path.join(data, FULL), bucket)
    done = move(tool, f"s3://{bucket}/AWSDynamoDB/{FULL_ID}", s3.url, f"sqlite:{tmp_path}/t.sqlite", ["id"], code=2,
                AWS_ACCESS_KEY_ID=None, HOME=str(tmp_path))
    assert "AWS_ACCESS_KEY_ID" in done.err and "instance metadata" in done.err
    assert environment_keys()["AWS_SECRET_ACCESS_KEY"] not in done.said
