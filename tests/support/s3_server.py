"""An S3 server for stories (moto's), filled with boto3 from folders."""
import os

import boto3

from servers import Server, free_port, install

KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
REGION = "eu-west-1"


def environment_keys():
    """What the tool needs in its environment to read from this server."""
    return {"AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"], "AWS_REGION": REGION}


class S3Server:
    def __init__(self, folder):
        program = install("install_s3_server.sh")
        port = free_port()
        self.server = Server([program, "-H", "127.0.0.1", "-p", str(port)], port, f"{folder}/s3-server.log")
        self.url = self.server.url
        self.client = boto3.client("s3", endpoint_url=self.url, region_name=REGION, **KEYS)
        self.buckets = 0

    def stop(self):
        self.server.stop()

    def bucket(self):
        self.buckets += 1
        name = f"exports-{self.buckets}"
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def upload(self, folder, bucket, prefix=""):
        """Every file below `folder` under its relative path; the keys."""
        keys = []
        for at, _, files in os.walk(folder):
            for file in files:
                path = os.path.join(at, file)
                key = prefix + os.path.relpath(path, folder)
                with open(path, "rb") as body:
                    self.client.put_object(Bucket=bucket, Key=key, Body=body.read())
                keys.append(key)
        return keys
