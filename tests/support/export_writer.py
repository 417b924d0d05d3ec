"""A full export as AWS writes it into S3: manifests with their md5, data files of DynamoDB JSON, gzipped."""
import base64
import datetime
import gzip
import hashlib
import json
import os


def write_export(folder, name, table, items, export_time, files=3):
    """Items in DynamoDB JSON under folder/AWSDynamoDB/NAME, whose path is given back; `export_time` in epoch seconds."""
    export = os.path.join(folder, "AWSDynamoDB", name)
    os.makedirs(os.path.join(export, "data"))
    key = f"AWSDynamoDB/{name}"
    lines = []
    for number in range(files):
        part = items[number::files]
        content = gzip.compress("".join(json.dumps({"Item": item}) + "\n" for item in part).encode())
        data_key = f"{key}/data/part{number}.json.gz"
        with open(os.path.join(folder, data_key), "wb") as file:
            file.write(content)
        digest = base64.b64encode(hashlib.md5(content).digest()).decode()
        lines.append(json.dumps({"itemCount": len(part), "md5Checksum": digest, "dataFileS3Key": data_key}) + "\n")
    when = datetime.datetime.fromtimestamp(export_time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}"
    summary = json.dumps({
        "version": "2020-06-30", "exportArn": f"{arn}/export/{name}", "tableArn": arn, "tableId": "t", "exportTime": when,
        "s3Bucket": "bucket", "s3Prefix": None, "manifestFilesS3Key": f"{key}/manifest-files.json",
        "itemCount": len(items), "outputFormat": "DYNAMODB_JSON"})
    for file_name, text in (("manifest-files", "".join(lines)), ("manifest-summary", summary)):
        with open(os.path.join(export, file_name + ".json"), "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(export, file_name + ".md5"), "w", encoding="utf-8") as file:
            file.write(base64.b64encode(hashlib.md5(text.encode()).digest()).decode())
    return export
