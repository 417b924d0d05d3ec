// A reader of a table's stream with the AWS SDK for JavaScript v3 at its defaults, as the developer guide asks for it:
// parents before children, each shard to its end. Writes each record as a line of JSON on standard output; a number on
// standard input is how many there are in all, and ends it one round after it has them.
//
//   node streams.mjs FOLDER_OF_NODE_MODULES ENDPOINT TABLE STREAM_ARN
import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [home, endpoint, table, arn] = process.argv.slice(2);
const load = async (name) => import(pathToFileURL(createRequire(`${home}/`).resolve(name)));
const sdk = await load("@aws-sdk/client-dynamodb-streams");
const client = new sdk.DynamoDBStreamsClient({
  endpoint, region: "eu-west-1", credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
const WAIT_MS_MAX = 60000;

const shards = new Map(); // id: parent, or undefined
const iterators = new Map();
const done = new Set();
const last = new Map(); // shard: the last sequence number
let records = 0, expected = Infinity, deadline = Infinity;

process.stdin.setEncoding("utf8").once("data", (text) => {
  expected = Number(text);
  deadline = Date.now() + WAIT_MS_MAX;
});
process.stdin.on("end", () => { if (expected === Infinity) process.exit(1); });

async function discover() {
  let start;
  do {
    const { StreamDescription: found } = await client.send(new sdk.DescribeStreamCommand({
      StreamArn: arn, Limit: 3, ExclusiveStartShardId: start,
    }));
    assert.equal(found.TableName, table);
    for (const shard of found.Shards) if (!shards.has(shard.ShardId)) shards.set(shard.ShardId, shard.ParentShardId);
    start = found.LastEvaluatedShardId;
  } while (start);
}

// Bytes as text, since JSON has none.
const plain = (name, value) => value instanceof Uint8Array ? Buffer.from(value).toString("base64")
  : value?.type === "Buffer" ? Buffer.from(value.data).toString("base64") : value;

async function read(shard) {
  if (!iterators.has(shard)) {
    const made = await client.send(new sdk.GetShardIteratorCommand({ StreamArn: arn, ShardId: shard, ShardIteratorType: "TRIM_HORIZON" }));
    iterators.set(shard, made.ShardIterator);
  }
  const answer = await client.send(new sdk.GetRecordsCommand({ ShardIterator: iterators.get(shard) }));
  for (const record of answer.Records) {
    assert.ok(record.dynamodb.ApproximateCreationDateTime instanceof Date);
    last.set(shard, record.dynamodb.SequenceNumber);
    records += 1;
    if (!process.stdout.write(`${JSON.stringify({ ...record, shard }, plain)}\n`)) await once(process.stdout, "drain");
  }
  if (answer.NextShardIterator) iterators.set(shard, answer.NextShardIterator);
  else done.add(shard);
}

async function round() {
  await discover();
  for (const [shard, parent] of shards) if (!done.has(shard) && (!shards.has(parent) || done.has(parent))) await read(shard);
}

// What a reader meets beside records.
async function others() {
  const arns = [];
  for (let start; ;) {
    const page = await client.send(new sdk.ListStreamsCommand({ TableName: table, Limit: 1, ExclusiveStartStreamArn: start }));
    arns.push(...page.Streams.map((stream) => stream.StreamArn));
    start = page.LastEvaluatedStreamArn;
    if (!start) break;
  }
  assert.deepEqual(arns, [arn]);
  const [shard, number] = [...last].at(-1);
  const at = async (type) => client.send(new sdk.GetRecordsCommand({
    Limit: 1,
    ShardIterator: (await client.send(new sdk.GetShardIteratorCommand({
      StreamArn: arn, ShardId: shard, ShardIteratorType: type, SequenceNumber: number,
    }))).ShardIterator,
  }));
  assert.equal((await at("AT_SEQUENCE_NUMBER")).Records[0].dynamodb.SequenceNumber, number);
  assert.deepEqual((await at("AFTER_SEQUENCE_NUMBER")).Records, []);
  const refused = (command, name) => assert.rejects(client.send(command), { name });
  await refused(new sdk.DescribeStreamCommand({ StreamArn: `${arn}0` }), "ResourceNotFoundException");
  await refused(new sdk.GetShardIteratorCommand({ StreamArn: arn, ShardId: `${shard}0`, ShardIteratorType: "LATEST" }), "ResourceNotFoundException");
  await refused(new sdk.GetShardIteratorCommand({ StreamArn: arn, ShardId: shard, ShardIteratorType: "NEWEST" }), "ValidationException");
  await refused(new sdk.GetRecordsCommand({ ShardIterator: "none" }), "ValidationException");
}

process.stdout.write("{}\n"); // it reads from now on
while (records < expected && Date.now() < deadline) await round();
await round(); // what is told twice comes now
if (records === expected) await others();
process.exitCode = 0;
process.stdin.destroy();
